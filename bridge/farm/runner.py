"""The bridge's jobs on a farm: it computes them while it can, and this machine's worker does so otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from bridge.errors import ADVICE, OF_THE_MACHINE, EngineFailed
from bridge.events import ComputingMoved, Ended, Event, JobEvent, LiveNotes, Noticed, Requeued, Warned
from bridge.model import Failure, Warning
from bridge.protocols import Clock, JobRunner
from bridge.protocols.computing import JobComputer
from bridge.request import JobRequest

#: How long a cancelled job may go on over there before its end is told here: cancelling is over within 3 s, whatever
#: the farm does.
CANCEL_GRACE_SECONDS = 2.2
#: A job that has come back from the farm so often stays on this machine.
MOST_RETURNS = 2

log = logging.getLogger(__name__)


@dataclass
class _Remote:
    """A job that the farm has."""

    request: JobRequest
    task: asyncio.Task[None] | None = None
    is_cancelled: bool = False


@dataclass(frozen=True)
class RunnerReports:
    """Who gets to know what a `FarmRunner` does: the scheduler, mostly."""

    on_event: Callable[[JobEvent], None]
    on_live_notes: Callable[[LiveNotes], None]
    on_free: Callable[[int], None]
    """How many jobs it takes at once, those that it has among them."""
    on_job_lost: Callable[[str, str], None]
    """A job whose process on this machine has died, and why."""
    publish: Callable[[Event], None]


@dataclass
class FarmRunner:
    """Implements `protocols.JobRunner` over a farm and this machine's worker.

    A job goes to the farm while that takes any, else to the worker. If the farm goes in the middle of a job, or the job
    fails there in a way that may be the machine's, it is requeued with a warning, and begins again here, without being
    interrupted in the sense of `Job.interruptions`: the farm has left nothing half-written. Jobs that wait for the
    worker count as running.
    """

    clock: Clock
    reports: RunnerReports
    awaits_farm: bool = False
    """Nothing is computed before `join`: what an earlier run of the bridge has left may be done, or be in work, on the
    farm, and would be done twice.
    """
    _farm: JobComputer | None = None
    _worker: JobRunner | None = None
    _worker_is_ready: bool = False
    _here: str = ""
    """The job that this machine's worker has; empty: none."""
    _there: dict[str, _Remote] = field(default_factory=dict)
    _waiting: deque[tuple[str, JobRequest]] = field(default_factory=deque)
    """Jobs that neither has, because the farm has gone and the worker is busy."""
    _returns: dict[str, int] = field(default_factory=dict)
    _was_there: bool = False
    _is_closed: bool = False
    _unwatch: Callable[[], None] = lambda: None

    def use(self, worker: JobRunner) -> None:
        """This machine's worker; called once, before the first job. It reports through the methods below."""
        self._worker = worker

    def join(self, farm: JobComputer | None) -> None:
        """Gives jobs to a farm from now on, whenever it takes any; None: there is none. Called once."""
        self.awaits_farm = False
        if farm is not None:
            self._farm = farm
            self._unwatch = farm.watch(self._settle)
        self._settle()

    @property
    def slots(self) -> int:
        """How many jobs it takes at once, with those that it has."""
        held = len(self._waiting) + len(self._there) + bool(self._here)
        if self._is_closed:
            return 0
        if self.awaits_farm:
            return held
        if farm_slots := self._farm_slots:
            return held + max(0, farm_slots - len(self._there))
        return held + (self._worker_is_ready and not self._here and not self._waiting)

    def run(self, job: str, request: JobRequest) -> None:
        self._waiting.append((job, request))
        self._place()

    def cancel(self, job: str) -> None:
        if job == self._here and self._worker is not None:
            self._worker.cancel(job)
        elif (remote := self._there.get(job)) is not None and not remote.is_cancelled:
            remote.is_cancelled = True
            if remote.task is not None:
                remote.task.cancel()
            asyncio.get_running_loop().call_later(CANCEL_GRACE_SECONDS, self._end_cancelled, job, remote)
        elif any(job == waiting for waiting, _ in self._waiting):
            self._waiting = deque(entry for entry in self._waiting if entry[0] != job)
            self._end(self._cancelled(job))

    def on_worker_ready(self) -> None:
        """Called each time that this machine's worker can take a job."""
        self._worker_is_ready = True
        self._settle()

    def on_worker_event(self, event: JobEvent) -> None:
        """Called with each event of the job on this machine."""
        if not isinstance(event, Ended):
            self.reports.on_event(event)
        elif event.job == self._here:
            self._here = ""
            self._end(event)

    def on_worker_lost(self, reason: str) -> None:
        """Called when this machine's worker has died, with its job."""
        job, self._here, self._worker_is_ready = self._here, "", False
        if job:
            self.reports.on_job_lost(job, reason)
        self._settle()

    async def close(self) -> None:
        """Abandons what the farm has, and closes it: the jobs begin again with the bridge's next start."""
        self._is_closed = True
        self._unwatch()
        tasks = [remote.task for remote in self._there.values() if remote.task is not None]
        self._there.clear()  # what they still tell is of no interest
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_GRACE_SECONDS)
        if self._farm is not None:
            await self._farm.close()

    @property
    def _farm_slots(self) -> int:
        return 0 if self._farm is None else self._farm.slots

    def _settle(self) -> None:
        """After every change of what can compute."""
        is_there = self._farm_slots > 0
        if is_there != self._was_there:
            self._was_there = is_there
            self.reports.publish(ComputingMoved(computing="farm" if is_there else "here"))
            level, words = ("info", _IS_THERE) if is_there else ("warning", _GONE)
            self.reports.publish(Noticed(level=level, message=words))
        self._place()
        self.reports.on_free(self.slots)

    def _place(self) -> None:
        """Gives away the jobs that wait, as far as somebody takes them."""
        if self._is_closed or self.awaits_farm:
            return
        for entry in [*self._waiting]:
            if entry not in self._waiting:  # an event has led here again meanwhile
                continue
            job, request = entry
            if self._farm is not None and self._goes_there(job):
                self._waiting.remove(entry)
                remote = self._there[job] = _Remote(request)
                computing = self._compute(job, remote, self._farm)
                remote.task = asyncio.get_running_loop().create_task(computing, name=f"farm {job}")
            elif self._worker is not None and self._worker_is_ready and not self._here:
                self._waiting.remove(entry)
                self._run_here(self._worker, job, request)

    def _goes_there(self, job: str) -> bool:
        return self._returns.get(job, 0) < MOST_RETURNS and self._farm_slots > len(self._there)

    def _run_here(self, worker: JobRunner, job: str, request: JobRequest) -> None:
        self._here = job
        try:
            worker.run(job, request)
        except Exception as error:
            log.exception("job %s cannot be sent to the worker", job)
            self._here = ""
            message = f"The job cannot be sent to the worker ({type(error).__name__}). {ADVICE['engine_failed']}"
            failure = Failure(code="engine_failed", message=message)
            now = self.clock.unix_seconds()
            self._end(Ended(job=job, outcome="failed", unix_seconds=now, failure=failure))

    async def _compute(self, job: str, remote: _Remote, farm: JobComputer) -> None:
        def tell(event: JobEvent | LiveNotes) -> None:
            if self._there.get(job) is not remote or remote.is_cancelled or event.job != job:
                return  # it comes too late
            if isinstance(event, LiveNotes):
                self.reports.on_live_notes(event)
            elif not isinstance(event, Ended):
                self.reports.on_event(event)

        try:
            ended = await farm.compute(job, remote.request, tell)
        except EngineFailed as error:
            self._come_back(job, remote, error.message)
            return
        except Exception as error:  # the farm's client is broken, and the job need not be
            log.exception("the farm cannot compute job %s", job)
            self._come_back(job, remote, f"{type(error).__name__}: {error}")
            return
        except asyncio.CancelledError:
            self._end_cancelled(job, remote)
            raise
        if ended.failure is not None and ended.failure.code in OF_THE_MACHINE:
            self._returns[job] = MOST_RETURNS  # nobody else is asked over there
            self._come_back(job, remote, ended.failure.message)
        elif self._there.get(job) is remote:
            del self._there[job]
            self._end(replace(ended, job=job))

    def _come_back(self, job: str, remote: _Remote, reason: str) -> None:
        """The farm has not computed a job: it begins again, before those that wait in the queue."""
        if remote.is_cancelled:
            self._end_cancelled(job, remote)
        elif self._there.get(job) is remote:
            del self._there[job]
            self._returns[job] = self._returns.get(job, 0) + 1
            message = f"The farm has not done this job, so it begins again: {reason}"
            self.reports.on_event(Warned(job=job, warning=Warning(code="farm_gone", message=message)))
            self.reports.on_event(Requeued(job=job))
            self._waiting.append((job, remote.request))
            self._settle()

    def _end_cancelled(self, job: str, remote: _Remote) -> None:
        if self._there.get(job) is remote and remote.is_cancelled:
            del self._there[job]
            self._end(self._cancelled(job))

    def _cancelled(self, job: str) -> Ended:
        return Ended(job=job, outcome="cancelled", unix_seconds=self.clock.unix_seconds())

    def _end(self, event: Ended) -> None:
        self._returns.pop(event.job, None)
        self._place()  # before the scheduler gives others: those that wait here have waited longest
        self.reports.on_event(event)
        self.reports.on_free(self.slots)


_GONE = "The farm has gone: jobs are computed on this machine until it is back."
_IS_THERE = "The farm is there: jobs are computed on it."
