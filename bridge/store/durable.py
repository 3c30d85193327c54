"""The job store of a server: jobs in memory, and all their events in a database that outlives every crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bridge.config import DEFAULT_HISTORY_LIMIT
from bridge.events import Ended, JobEvent, Noticed, Progressed, Removed, Restored, Submitted
from bridge.model import Job
from bridge.store.database import Loaded
from bridge.store.memory import MemoryStore
from bridge.store.recorder import Recorder
from bridge.store.rows import EventRow, entry_of

#: How long a submission waits for the drive; after that it is accepted, and the sender is told that it may be lost.
KEEP_SECONDS = 2.0
#: How long the end of the bridge waits for the drive.
CLOSE_SECONDS = 5.0


class DurableStore:
    """Implements `protocols.JobStore`; all events are written but progress within a run.

    Args:
        folder: the state folder, which all bridges of a user share.
        owner: the name of this bridge's own folder in it; the open jobs of other owners are left alone.
        limit: how many finished jobs are kept.
        notice: called with messages for the user, through `on_loop`.
        on_loop: runs a function on the event loop; called on another thread.
    """

    outlives_process = True

    def __init__(
        self,
        folder: Path,
        owner: str,
        *,
        limit: int = DEFAULT_HISTORY_LIMIT,
        notice: Callable[[Noticed], None] = lambda _: None,
        on_loop: Callable[[Callable[[], None]], object] = lambda work: work(),
        keep_seconds: float = KEEP_SECONDS,
        retry_seconds: float | None = None,
    ) -> None:
        def tell(message: Noticed) -> None:
            with suppress(RuntimeError):  # the loop is closed
                on_loop(lambda: notice(message))

        retry = {} if retry_seconds is None else {"retry_seconds": retry_seconds}
        self._memory = MemoryStore(limit)
        self._recorder = Recorder(folder, owner, limit=limit, notice=tell, **retry)
        self._keep_seconds = keep_seconds
        self._kept: set[str] = set()
        """Jobs whose `Submitted` was given to the recorder before it is appended."""
        self._is_late = False
        """Whether the drive has not answered in time since it last did."""

    def load(self) -> None:
        """Knows the jobs of earlier runs from now on; waits for the drive."""
        self.take(self.read())

    def read(self) -> Loaded:
        """Reads the history, and the jobs that this bridge left open; waits for the drive.

        Only the process that holds the lock of the owner's folder may call it.
        """
        return self._recorder.load()

    def take(self, loaded: Loaded) -> None:
        """Knows the jobs of earlier runs from now on; called once, before any other."""
        self._memory.take(loaded.jobs, loaded.in_order_of_end)

    async def keep(self, event: Submitted) -> str:
        self._kept.add(event.job)
        return await self._on_drive(entry_of(event, None))

    async def written(self) -> None:
        await self._on_drive(None)

    async def _on_drive(self, entry: EventRow | None) -> str:
        """Waits until the entry, if any, and all before it are on the drive; returns why they are not, in words."""
        if self._is_late:
            if entry is not None:
                self._recorder.write(entry)
            return "the drive does not answer"
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def settle(problem: str) -> None:
            self._is_late = False
            if not answer.done():
                answer.set_result(problem)

        def done(problem: str) -> None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, problem)

        if entry is None:
            self._recorder.after_writing(done)
        else:
            self._recorder.write(entry, done)
        answered, _ = await asyncio.wait({answer}, timeout=self._keep_seconds)
        if not answered:
            self._is_late = True
            return "the drive does not answer"
        return answer.result()

    def append(self, event: JobEvent) -> Job:
        before = self._memory.get(event.job)
        job = self._memory.append(event)
        if before is not None and before.is_over:
            if isinstance(event, (Removed, Restored)) and job != before:
                self._recorder.write(entry_of(event, job))
            self._memory.forget_history(event.job)
            return job
        is_kept_before = isinstance(event, Submitted) and event.job in self._kept
        self._kept.discard(event.job)
        begins = before is not None and before.state != job.state
        if not is_kept_before and (begins or not isinstance(event, Progressed)):
            self._recorder.write(entry_of(event, job))
        if isinstance(event, Ended):
            self._memory.forget_history(event.job)
        return job

    def get(self, job: str) -> Job | None:
        return self._memory.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return self._memory.jobs()

    def history(self, job: str) -> Iterable[JobEvent]:
        """The events of a job that is not over; those of others are only in the database."""
        return self._memory.history(job)

    def flush(self) -> str:
        """Waits until everything is written or was tried; returns why it could not be."""
        return self._recorder.flush()

    def close(self) -> None:
        """Writes what waits; waits for it, but not longer than `CLOSE_SECONDS`."""
        self._recorder.close(CLOSE_SECONDS)
