"""How long each kind of work takes on this machine: what the last jobs took, and a guess before there were any."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.protocols import Clock
from bridge.system.files import read_json, write_whole

#: Seconds of work for a second of audio, before anything was measured: those of two slow processors.
UNMEASURED = {"separating": 1.0, "separating draft": 0.1, "listening": 0.05, "reading": 0.02, "writing": 0.01}
#: What is said of a few seconds of audio is mostly how long it takes to begin.
SHORTEST_SECONDS = 5.0
#: The newest measurement counts half, so that one busy hour is forgotten after a few jobs.
NEWEST_SHARE = 0.5


class StagePaces:
    """Seconds of work for a second of audio, by what is done; kept in a small file that costs nothing to lose.

    Work is named by its kind and by what does it: `separating draft cpu`, `listening basic-pitch bass`.
    """

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """`path` None: they are forgotten with this object."""
        self._path = path
        self._clock = clock
        self._measured = {} if path is None else _read(path)

    @classmethod
    def kept_in(cls, cache_dir: Path, clock: Clock) -> StagePaces:
        return cls(cache_dir / "pace.json", clock)

    def seconds(self, work: str, audio_seconds: float) -> float:
        """What that work takes for so much audio."""
        pace = self._measured.get(work)
        if pace is None:
            kind, *what = work.split()
            pace = UNMEASURED.get(" ".join((kind, *what[:1])), UNMEASURED[kind])
        return audio_seconds * pace

    def note(self, work: str, began_seconds: float, audio_seconds: float) -> None:
        """That work, on so much audio, began at that time of the clock and has just been done."""
        if audio_seconds < SHORTEST_SECONDS:
            return
        pace = (self._clock.monotonic_seconds() - began_seconds) / audio_seconds
        before = self._measured.get(work, pace)
        self._measured[work] = round(before + (pace - before) * NEWEST_SHARE, 6)
        if self._path is not None:
            with suppress(OSError):
                write_whole(self._path, msgspec.json.encode(self._measured))


def _read(path: Path) -> dict[str, float]:
    try:
        found = read_json(path, dict[str, float])
    except (OSError, ValueError):
        return {}
    return {work: pace for work, pace in found.items() if 0 <= pace < float("inf")}
