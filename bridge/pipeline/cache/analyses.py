"""What is heard in a job's stems and of its tempo: each once, then brought back from the cache."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bridge.audio.resample import mono, resampled
from bridge.music.tempo import TempoEstimate, estimate_tempo
from bridge.pipeline.cache.keys import Keys
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import EngineRecord
from bridge.protocols import Control, Signal, Transcribers

#: The listener that hears the tempo, and what it listens to.
TEMPO, WHOLE = "tempo", "mix"


@dataclass
class AnalysisCache:
    """Listens to one job, and remembers what earlier jobs have heard in the same sound."""

    transcribers: Transcribers
    cache: ResultsCache | None
    keys: Keys
    fresh: dict[str, bytes] = field(default_factory=dict)
    """What this job has heard for the first time, by its key in the cache."""
    before: dict[str, bytes] = field(default_factory=dict)
    """What has come from the cache: from then on it is there, even if somebody clears the cache."""

    def remembers(self, stem: str) -> bytes | None:
        """What was heard in a stem before."""
        return self._recalled(self._key(stem))

    def listen(self, sound: Signal, stem: str, control: Control) -> bytes:
        """What is heard in a stem, now or before.

        Raises:
            EngineFailed, Cancelled: see `Transcriber.listen`.
        """
        if (before := self.remembers(stem)) is not None:
            return before
        transcriber = self.transcribers.for_stem(stem)
        heard = transcriber.listen(resampled(mono(sound), transcriber.sample_rate_hz), stem, control)
        self.fresh[self._key(stem)] = heard
        return heard

    def tempo(self, mix: Signal, control: Control) -> TempoEstimate:
        """The tempo of the whole clip, and how sure that is."""
        key = self.keys.heard(TEMPO, WHOLE)
        if (before := self._recalled(key)) is not None:
            return msgspec.json.decode(before, type=TempoEstimate)
        estimate = estimate_tempo(mix, control)
        self.fresh[key] = msgspec.json.encode(estimate)
        return estimate

    def work(self, stem: str) -> str:
        """What listening to a stem is called where its pace is measured."""
        return f"listening {self.transcribers.for_stem(stem).name} {stem}"

    def keep(self, name: str, engine: EngineRecord) -> None:
        """Puts what is new into the cache, for a clip called `name`."""
        if self.cache is not None and self.fresh:
            self.cache.keep_heard(name, engine, self.fresh)

    def _key(self, stem: str) -> str:
        return self.keys.heard(self.transcribers.for_stem(stem).identity(), stem)

    def _recalled(self, key: str) -> bytes | None:
        if key not in self.before and self.cache is not None and (heard := self.cache.heard(key)) is not None:
            self.before[key] = heard
        return self.before.get(key)
