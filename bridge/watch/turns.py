"""When a watched clip may become a job: while nobody else needs the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from bridge.events import Ended, Event, Removed, Submitted
from bridge.model import Job
from bridge.protocols import Bridge

#: The origin of a watched clip's job.
WATCH = "watch"
#: A job that is further is not interrupted: it is over soon, or what it has made would be lost.
MOST_DONE = 0.5
#: A job that needs no more time than this is not interrupted.
SHORT_SECONDS = 10.0
#: A clip whose jobs were interrupted so often is left to its end.
MOST_INTERRUPTIONS = 3


class Turns:
    """One job of all watched folders at a time, and only while no other job works or waits.

    So watched clips take no place in the queue, and nobody waits for more than one of them; where somebody comes while
    one has just begun, that one gives way. One object serves all folders of a bridge.
    """

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits until it is the caller's turn, which lasts until the block ends."""
        async with self._turn:
            async with _changes(self._bridge, lambda event: isinstance(event, (Ended, Removed))) as changed:
                while not self._is_free:
                    await changed.wait()
                    changed.clear()
            yield

    async def until_over(self, job: str, give_way: Callable[[], Awaitable[None]] | None) -> Job:
        """Returns a job when it is over.

        Args:
            give_way: awaited when the job has to give way, before it is cancelled; None: it has done so often enough.

        Raises:
            NotFound: the bridge does not know it, or not any more.
        """

        def matters(event: Event) -> bool:
            mine = isinstance(event, (Ended, Removed)) and event.job == job
            return mine or (isinstance(event, Submitted) and event.origin != WATCH)

        async with _changes(self._bridge, matters) as changed:
            while not (found := self._bridge.job(job)).is_over:
                if give_way is not None and self._others_wait(job) and _gives_way(found):
                    give, give_way = give_way, None
                    await give()
                    self._bridge.cancel(job)
                    continue
                await changed.wait()
                changed.clear()
            return found

    @property
    def _is_free(self) -> bool:
        status = self._bridge.status()
        return not status.queued and not status.running

    def _others_wait(self, job: str) -> bool:
        jobs = self._bridge.jobs()
        return any(other.state == "queued" and other.id != job and other.origin != WATCH for other in jobs)


def _gives_way(job: Job) -> bool:
    is_early = job.stage in ("queued", "loading", "separating") and job.fraction < MOST_DONE
    is_long = job.eta_seconds is None or job.eta_seconds > SHORT_SECONDS
    return not job.is_over and not job.is_cancelling and is_early and is_long


@asynccontextmanager
async def _changes(bridge: Bridge, matters: Callable[[Event], bool]) -> AsyncIterator[asyncio.Event]:
    """An event that is set each time that one which matters has passed the bridge."""
    changed = asyncio.Event()
    end = bridge.subscribe(lambda event: changed.set() if matters(event) else None)
    try:
        yield changed
    finally:
        end()
