"""A job's analyses (of its stems, and of its tempo): computed once, then restored from the cache."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from bridge.audio.resample import mono, resampled
from bridge.music.tempo import TempoEstimate, estimate_tempo
from bridge.pipeline.cache.keys import Keys
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import EngineRecord
from bridge.protocols import Control, Signal, Transcribers

#: The identity and the stem under which a tempo estimate is cached.
TEMPO, MIX = "tempo", "mix"


@dataclass
class AnalysisCache:
    """Computes the analyses of one job, and restores those of earlier jobs with the same audio."""

    transcribers: Transcribers
    cache: ResultsCache | None
    keys: Keys
    new: dict[str, bytes] = field(default_factory=dict)
    """Analyses that this job has computed, by cache key."""
    restored: dict[str, bytes] = field(default_factory=dict)
    """Analyses read from the cache; held in memory, so that they survive if the cache is cleared."""

    def cached(self, stem: str) -> bytes | None:
        """The cached analysis of a stem; None if there is none."""
        return self._restore(self._key(stem))

    def analyse(self, audio: Signal, stem: str, control: Control) -> bytes:
        """The analysis of a stem, from the cache or computed now.

        Raises:
            EngineFailed, Cancelled: see `Transcriber.listen`.
        """
        if (cached := self.cached(stem)) is not None:
            return cached
        transcriber = self.transcribers.for_stem(stem)
        analysis = transcriber.listen(resampled(mono(audio), transcriber.sample_rate_hz), stem, control)
        self.new[self._key(stem)] = analysis
        return analysis

    def tempo(self, mix: Signal, control: Control) -> TempoEstimate:
        """The tempo of the whole clip, with its confidence; from the cache or estimated now."""
        key = self.keys.analysis(TEMPO, MIX)
        if (cached := self._restore(key)) is not None:
            return msgspec.json.decode(cached, type=TempoEstimate)
        estimate = estimate_tempo(mix, control)
        self.new[key] = msgspec.json.encode(estimate)
        return estimate

    def work_name(self, stem: str) -> str:
        """The name of analysing a stem in `StagePaces`."""
        return f"listening {self.transcribers.for_stem(stem).name} {stem}"

    def save(self, name: str, engine: EngineRecord) -> None:
        """Stores the new analyses in the cache, for a clip called `name`."""
        if self.cache is not None and self.new:
            self.cache.store_analyses(name, engine, self.new)

    def _key(self, stem: str) -> str:
        return self.keys.analysis(self.transcribers.for_stem(stem).identity(), stem)

    def _restore(self, key: str) -> bytes | None:
        if key not in self.restored and self.cache is not None and (analysis := self.cache.analysis(key)) is not None:
            self.restored[key] = analysis
        return self.restored.get(key)
