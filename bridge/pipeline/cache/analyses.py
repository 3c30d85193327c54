"""A job's analyses (of its stems, and of its tempo): computed once, then restored from the cache.

Only here does an analysis become bytes, and bytes an analysis.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bridge.audio.resample import mono, resampled
from bridge.errors import EngineFailed
from bridge.music.tempo.estimate import TempoEstimate, estimate_tempo
from bridge.music.tempo.following import FollowedTempo, follow_tempo
from bridge.pipeline.cache.keys import Keys
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import EngineRecord
from bridge.protocols import Control, Signal, Transcribers
from bridge.request import TimeSignature

#: The identity and the stem under which a tempo estimate is cached.
TEMPO, MIX = "tempo", "mix"
#: The name of the followed beats in a manifest.
BEATS = "beats"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnalysisCache:
    """Computes the analyses of one job, and restores those of earlier jobs with the same audio."""

    transcribers: Transcribers
    cache: ResultsCache | None
    keys: Keys
    _new: dict[str, bytes] = field(default_factory=dict, init=False)
    """Packed analyses that this job has computed, by cache key."""
    _restored: dict[str, bytes] = field(default_factory=dict, init=False)
    """Packed analyses from the cache; held in memory, so that they survive if the cache is cleared."""
    _named: dict[str, str] = field(default_factory=dict, init=False)
    """The keys under which tempo and beats were asked for, by `TEMPO` or `BEATS`."""

    def key(self, stem: str) -> str:
        """The cache key of a stem's analysis."""
        return self.keys.analysis(self.transcribers.for_stem(stem).identity(), stem)

    def has(self, stem: str) -> bool:
        """Whether a stem's analysis is in the cache; if so, it stays available to this job."""
        return self._restore(self.key(stem)) is not None

    def is_known(self, stem: str) -> bool:
        """Whether a repeated job will find the analysis of a stem: this job has restored or computed it."""
        return self.key(stem) in self._new.keys() | self._restored.keys()

    def record(self, stems: Iterable[str]) -> dict[str, str]:
        """The cache keys of the analyses of stems, by stem, and of those below `TEMPO` and `BEATS` that were asked for.

        Empty without a cache.
        """
        return {} if self.cache is None else {**{stem: self.key(stem) for stem in stems}, **self._named}

    def keep(self, stem: str, analysis: Any) -> None:
        """Keeps an analysis that was computed while the stem grew."""
        self._new[self.key(stem)] = self.transcribers.for_stem(stem).pack(analysis)

    def analysis(self, stem: str, audio: Signal | None, control: Control) -> Any:
        """The analysis of a stem, of the type of its transcriber: from the cache, else computed from `audio`.

        Raises:
            EngineFailed: the cached analysis is damaged, and there is no audio to analyse.
            EngineFailed, Cancelled: see `Transcriber.analyse`.
        """
        transcriber, key = self.transcribers.for_stem(stem), self.key(stem)
        if (packed := self._restore(key) or self._new.get(key)) is not None:
            try:
                return transcriber.unpack(packed)
            except ValueError as error:
                log.warning("removing a damaged analysis from the cache: %s", error)
                self._forget(key)
                self._new.pop(key, None)
        if audio is None:
            raise EngineFailed(f"The cached analysis of {stem} is damaged.", advice="Run the job again.")
        analysis = transcriber.analyse(resampled(mono(audio), transcriber.sample_rate_hz), stem, control)
        if self.cache is not None:
            self._new[key] = transcriber.pack(analysis)
        return analysis

    def tempo(self, mix: Signal, control: Control) -> TempoEstimate:
        """The tempo of the whole clip, with its confidence; from the cache or estimated now."""
        key = self._named[TEMPO] = self.keys.analysis(TEMPO, MIX)
        if (cached := self._restore(key)) is not None:
            return msgspec.json.decode(cached, type=TempoEstimate)
        estimate = estimate_tempo(mix, control)
        self._new[key] = msgspec.json.encode(estimate)
        return estimate

    def followed(self, mix: Signal, signature: TimeSignature | None, control: Control) -> FollowedTempo:
        """The beats of the whole clip, in a metre or the one that is found; from the cache or followed now."""
        key = self._named[BEATS] = self.keys.analysis(f"beats in {signature or 'any metre'}", MIX)
        if (cached := self._restore(key)) is not None:
            return msgspec.json.decode(cached, type=FollowedTempo)
        followed = follow_tempo(mix, signature, control)
        self._new[key] = msgspec.json.encode(followed)
        return followed

    def work_name(self, stem: str) -> str:
        """The name in `StagePaces` of the work that gives a stem's notes: analysing it, or reading its analysis."""
        kind = "reading" if self.has(stem) or self.key(stem) in self._new else "analysing"
        return f"{kind} {self.transcribers.for_stem(stem).name} {stem}"

    def save(self, name: str, engine: EngineRecord) -> None:
        """Stores the new analyses in the cache, for a clip called `name`."""
        if self.cache is not None and self._new:
            self.cache.store_analyses(name, engine, self._new)

    def _restore(self, key: str) -> bytes | None:
        if key not in self._restored and self.cache is not None and (packed := self.cache.analysis(key)) is not None:
            self._restored[key] = packed
        return self._restored.get(key)

    def _forget(self, key: str) -> None:
        self._restored.pop(key, None)
        if self.cache is not None:
            self.cache.remove([key])
