"""A small results cache with a clock that a test advances."""

from __future__ import annotations

from pathlib import Path

from bridge.model import Result
from bridge.pipeline.cache.store import Entry, FileRange, ResultsCache
from bridge.pipeline.manifest import EngineRecord
from tests.support.fakes import FakeClock

SIZE = 1000


def entry(key: str, *files: str) -> Entry:
    engine = EngineRecord(name="draft", device="cpu", weights="1")
    results = tuple(Result(kind="stem", name="bass", file=file, seconds=1.0) for file in files)
    return Entry(key=key, name=f"clip {key}", engine=engine, results=results)


class SmallCache:
    """A cache with room for three entries, whose clock advances with each use."""

    def __init__(self, folder: Path, room: int = 3) -> None:
        self.clock = FakeClock()
        self.cache = ResultsCache(folder / "cache", room * SIZE, self.clock)
        self.source = folder / "made.wav"
        self.source.write_bytes(b"x" * SIZE)

    def store(self, key: str) -> None:
        self.clock.advance(1.0)
        with self.source.open("rb") as file:
            self.cache.store(
                entry(key, "bass.wav"), {"bass.wav": FileRange(file, max(SIZE, self.source.stat().st_size))}
            )

    def holds(self, key: str) -> bool:
        self.clock.advance(1.0)
        with self.cache.open_entry(key) as cached:
            return cached is not None

    @property
    def keys(self) -> list[str]:
        return [stored.entry.key for stored in self.cache.entries()]
