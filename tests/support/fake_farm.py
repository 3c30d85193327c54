"""A farm that is as unkind as a real one: it vanishes at any moment, and may hear no cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.request import JobRequest


@dataclass
class FakeSong:
    """A job that the farm was given."""

    request: JobRequest
    tell: Callable[[JobEvent | LiveNotes], None]
    end: asyncio.Future[Ended]
    is_cancelled: bool = False


@dataclass
class FakeFarm:
    """Implements `JobComputer`: tests say what happens to each job."""

    slots: int = 0
    problem: str = ""
    hears_cancellations: bool = True
    """False: a cancelled job goes on, as on a machine whose network hangs."""
    songs: dict[str, FakeSong] = field(default_factory=dict)
    """Those that are not over, by job."""
    given: list[str] = field(default_factory=list)
    is_closed: bool = False
    _watchers: list[Callable[[], None]] = field(default_factory=list)

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        self.given.append(job)
        song = FakeSong(request, on_event, asyncio.get_running_loop().create_future())
        self.songs[job] = song
        try:
            while True:
                try:
                    return await asyncio.shield(song.end)
                except asyncio.CancelledError:
                    song.is_cancelled = True
                    if self.hears_cancellations or self.is_closed:
                        raise
        finally:
            if self.songs.get(job) is song:
                del self.songs[job]

    def become(self, slots: int) -> None:
        """Machines have joined or left."""
        self.slots = slots
        for watcher in [*self._watchers]:
            watcher()

    def vanish(self, *, is_noticed: bool = True) -> None:
        """All machines are gone, and every job with them; not noticed: the jobs come back before that is known."""
        if is_noticed:
            self.become(0)
        for song in self.songs.values():
            if not song.end.done():
                song.end.set_exception(EngineFailed("The farm does not answer."))

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        self._watchers.append(on_change)
        return lambda: self._watchers.remove(on_change)

    async def close(self) -> None:
        self.is_closed = True
