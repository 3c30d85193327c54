"""This machine's worker as a computer of jobs: one at a time, the others wait their turn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bridge.config import Settings
from bridge.errors import ADVICE, EngineFailed
from bridge.events import Ended, Event, JobEvent, LiveNotes, Produced, Requeued, Started
from bridge.model import Failure
from bridge.pipeline.leftovers import removal
from bridge.request import JobRequest
from bridge.system.clock import SystemClock
from bridge.system.off_loop import off_loop
from bridge.worker.client import WorkerClient

log = logging.getLogger(__name__)

#: How often a job is begun: one that kills the worker each time fails.
ATTEMPTS = 2
#: After this many starts in a row that came to nothing, nothing computes here.
MOST_FAILED_STARTS = 3
#: The temporary files of a job whose worker died stay if their drive does not answer by then.
CLEAN_UP_SECONDS = 2.0


class LocalComputer:
    """Implements `protocols.computing.JobComputer`; ids of jobs must be letters and digits.

    A job whose worker dies is taken up once more after a `Requeued`, then fails with `engine_failed`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        publish: Callable[[Event], None] = lambda _: None,
        lock: Path | None = None,
        threads: int | None = None,
    ) -> None:
        """
        Args:
            lock: the file by which the worker waits until one of an earlier, killed run has ended.
            threads: how many its models may use at once, where the user has not said it; None: as many as cores.
        """
        self._turn = asyncio.Lock()
        self._run: _Run | None = None
        self._is_free = False
        self._failed_starts = 0
        self._problem = ""
        """Why nothing computes here any more; empty: it does."""
        self._changed = asyncio.Event()
        self._watchers: list[Callable[[], None]] = []
        self._clock = SystemClock()
        self._worker = WorkerClient(
            settings,
            publish=publish,
            on_event=self._on_event,
            on_live_notes=self._on_live_notes,
            on_lost=self._on_lost,
            on_ready=self._on_ready,
            lock=lock,
            threads=threads,
        )

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        publish: Callable[[Event], None] = lambda _: None,
        lock: Path | None = None,
        threads: int | None = None,
    ) -> LocalComputer:
        """Starts the worker; the first job waits until it is ready."""
        computer = cls(settings, publish=publish, lock=lock, threads=threads)
        await computer._worker.start()
        return computer

    @property
    def slots(self) -> int:
        return 0 if self._problem else 1

    @property
    def problem(self) -> str:
        """See `JobComputer.problem`: what computes here fails at once where it cannot."""
        return ""

    @property
    def pid(self) -> int | None:
        """The worker's process id; None while there is none."""
        return self._worker.pid

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """See `JobComputer.watch`."""
        self._watchers.append(on_change)
        return lambda: self._watchers.remove(on_change)

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        """See `JobComputer.compute`."""
        async with self._turn:
            run = _Run(job, on_event)
            for attempt in range(1, ATTEMPTS + 1):
                await self._until_free()
                end = await self._attempt(run, request)
                if isinstance(end, Ended):
                    if self._problem and end.outcome != "done":
                        raise EngineFailed(self._problem)
                    return end
                reason = f"the separation process ended in the middle of the job ({end})"
                await _clean_up(run, "failed" if attempt == ATTEMPTS else None)
                if self._problem:
                    raise EngineFailed(self._problem)
                if attempt < ATTEMPTS:
                    on_event(Requeued(job=job, reason=reason))
            message = f"{reason[0].upper()}{reason[1:]}, for the second time. {ADVICE['engine_failed']}"
            failure = Failure(code="engine_failed", message=message)
            return Ended(job=job, outcome="failed", unix_seconds=self._clock.unix_seconds(), failure=failure)

    async def close(self) -> None:
        """See `JobComputer.close`."""
        self._give_up("It was closed.")
        await self._worker.close()
        if self._run is not None:
            self._run.lost("it was closed")

    async def _attempt(self, run: _Run, request: JobRequest) -> Ended | str:
        """The job's end, or how its worker died."""
        run.end = asyncio.get_running_loop().create_future()
        self._run, self._is_free = run, False
        self._worker.run(run.job, request)
        try:
            return await asyncio.shield(run.end)
        except asyncio.CancelledError:
            self._worker.cancel(run.job)  # over within 3 s, whatever the worker does
            end = await asyncio.shield(run.end)
            if isinstance(end, str):
                await _clean_up(run, "cancelled")
            raise
        finally:
            self._run = None

    async def _until_free(self) -> None:
        while not self._problem:
            if self._is_free:
                return
            self._changed.clear()
            await self._changed.wait()
        raise EngineFailed(self._problem)

    def _on_ready(self) -> None:
        self._failed_starts = 0
        self._is_free = True
        self._changed.set()

    def _on_event(self, event: JobEvent) -> None:
        if isinstance(event, Ended):
            self._is_free = True
            self._changed.set()
        if self._run is not None and event.job == self._run.job:
            self._run.take(event)

    def _on_live_notes(self, notes: LiveNotes) -> None:
        if self._run is not None and notes.job == self._run.job:
            self._run.on_event(notes)

    def _on_lost(self, reason: str) -> None:
        self._is_free = False
        if self._run is not None:
            self._run.lost(reason)
        self._failed_starts += 1  # a worker that was ready has set it to 0
        if self._failed_starts > MOST_FAILED_STARTS and not self._problem:
            self._give_up(f"The separation process does not start ({reason}).")

    def _give_up(self, problem: str) -> None:
        self._problem = problem
        self._changed.set()
        for watcher in [*self._watchers]:
            watcher()


class _Run:
    """The job that the worker has, and what it has told."""

    def __init__(self, job: str, on_event: Callable[[JobEvent | LiveNotes], None]) -> None:
        self.job = job
        self.end: asyncio.Future[Ended | str] = asyncio.get_running_loop().create_future()
        self.history: list[JobEvent] = []
        """What tells of its folders and files."""
        self.on_event = on_event

    def take(self, event: JobEvent) -> None:
        match event:
            case Ended():
                if not self.end.done():
                    self.end.set_result(event)
                return
            case Started() | Produced():
                self.history.append(event)
        self.on_event(event)

    def lost(self, reason: str) -> None:
        if not self.end.done():
            self.end.set_result(reason)


async def _clean_up(run: _Run, end: Literal["cancelled", "failed"] | None) -> None:
    """Removes what a job has left whose worker died; `end`: how it ends now, None: it runs again."""
    try:
        await off_loop(removal(run.job, run.history, end), timeout_seconds=CLEAN_UP_SECONDS)
    except TimeoutError:
        log.warning("a drive of job %s does not answer; temporary files may stay", run.job)
