"""How long each kind of work takes on this machine: measured by past jobs, or a default before the first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from bridge.protocols import Clock
from bridge.system.files import read_json, write_whole

#: Seconds of work per second of audio before anything was measured; typical of two slow CPU cores.
UNMEASURED = {
    "separating": 1.0, "separating draft": 0.1, "analysing": 0.05, "analysing transkun": 0.7, "reading": 0.02,
    "splitting": 0.03, "writing": 0.01,
}  # fmt: skip
#: Shorter audio is not measured, because start-up time dominates there.
SHORTEST_SECONDS = 5.0
#: Weight of the newest measurement: a busy hour no longer matters after a few jobs.
NEWEST_SHARE = 0.5


class StagePaces:
    """Seconds of work per second of audio, by kind of work; stored in a small file that may be deleted.

    The name of the work is its kind and what does it: `separating draft cpu`, `analysing basic-pitch bass`.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """`path` None: nothing is stored on disk."""
        self._path = path
        self._clock = clock
        self._measured = {} if path is None else _read_paces(path)

    @classmethod
    def kept_in(cls, cache_dir: Path, clock: Clock) -> StagePaces:
        return cls(cache_dir / "pace.json", clock)

    def seconds(self, work: str, audio_seconds: float) -> float:
        """Expected seconds of this work for `audio_seconds` of audio."""
        pace = self._measured.get(work)
        if pace is None:
            kind, *what = work.split()
            pace = UNMEASURED.get(" ".join((kind, *what[:1])), UNMEASURED[kind])
        return audio_seconds * pace

    @contextmanager
    def measured(self, work: str, audio_seconds: float) -> Iterator[None]:
        """Records how long the block takes, unless it raises."""
        began = self._clock.monotonic_seconds()
        yield
        self.record(work, began, audio_seconds)

    def record(self, work: str, began_seconds: float, audio_seconds: float) -> None:
        """Records work that began at `began_seconds` (monotonic clock) and has just ended."""
        if audio_seconds < SHORTEST_SECONDS:
            return
        pace = (self._clock.monotonic_seconds() - began_seconds) / audio_seconds
        before = self._measured.get(work, pace)
        self._measured[work] = round(before + (pace - before) * NEWEST_SHARE, 6)
        if self._path is not None:
            with suppress(OSError):
                write_whole(self._path, msgspec.json.encode(self._measured))


def _read_paces(path: Path) -> dict[str, float]:
    try:
        paces = read_json(path, dict[str, float])
    except (OSError, ValueError):
        return {}
    return {work: pace for work, pace in paces.items() if 0 <= pace < float("inf")}
