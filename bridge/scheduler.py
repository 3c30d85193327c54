"""The job queue: runs as many jobs at once as its runner takes, and takes up once again what was interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Literal

import msgspec

from bridge.errors import ADVICE, QueueFull, no_such_job
from bridge.events import (
    Cancelling,
    Ended,
    Event,
    GroupEnded,
    JobEvent,
    Removed,
    Requeued,
    Restored,
    Submitted,
    Warned,
)
from bridge.groups.group import groups_of, unknown_group
from bridge.groups.open_groups import OpenGroups, Ticket
from bridge.model import Failure, Job, Outcome, Warning
from bridge.pipeline.leftovers import removal
from bridge.project_paths import result_name
from bridge.protocols import Clock, JobRunner, JobStore
from bridge.request import JobRequest
from bridge.system.ids import new_id
from bridge.system.off_loop import CleanUp, clean_up_at_once

log = logging.getLogger(__name__)


class Scheduler:
    """Queues requests, gives them to the runner in their order, and publishes every event of every job.

    It is the only writer of the store. The runner reports through `on_event`, `on_runner_free` and `on_job_lost`.
    """

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        publish: Callable[[Event], None],
        *,
        queue_limit: int,
        clean_up: CleanUp = clean_up_at_once,
        new_id: Callable[[], str] = new_id,
    ) -> None:
        self._store = store
        self._clock = clock
        self._publish = publish
        self._queue_limit = queue_limit
        self._clean_up = clean_up
        self._new_id = new_id
        self._groups = OpenGroups(self._unused_group_id, clock.monotonic_seconds)
        self._queue: deque[str] = deque()
        self._reserved: set[str] = set()
        """Jobs that have a place in the queue as soon as they are durable."""
        self._being_cleaned: set[str] = set()
        """Waiting jobs whose last run left files that are being removed."""
        self._is_leaving = False
        self._running: dict[str, None] = {}
        """In the order in which they were started."""
        self._runner: JobRunner | None = None
        self._slots = 0
        """How many jobs the runner takes at once."""

    def run(self, runner: JobRunner) -> None:
        """Gives jobs to `runner` from now on; called once, before the first `on_runner_free`."""
        self._runner = runner

    def enter_group(self, request: JobRequest, sender: str) -> Ticket | None:
        """The request's place in its group of this sender, which stays open until `leave_group`; None: no group."""
        group = request.group
        return self._groups.enter(sender, group.name, group.clips) if group.name else None

    def leave_group(self, ticket: Ticket, *, was_full: bool = False) -> None:
        """Called when the request with this ticket is queued or refused; `was_full`: because the queue was full."""
        self._publish_end(self._groups.give_back(ticket, comes_again=was_full))

    def submit(self, request: JobRequest, ticket: Ticket | None = None, origin: str = "") -> tuple[Job, int]:
        """Queues a job at once, without waiting until it is durable; see `accept`."""
        return self._enter(self._reserve(request, ticket, origin), ticket)

    def accept(
        self, request: JobRequest, ticket: Ticket | None = None, origin: str = ""
    ) -> Coroutine[None, None, tuple[Job, int]]:
        """Takes the next place in the queue at once; what it returns queues the job when it is durable.

        That gives the job with the number of jobs before it. The files are not checked here, but before: see
        `bridge.inspector.admission`. `ticket` is the job's place in its group, `origin` who asks.

        Raises:
            QueueFull: it was not queued.
        """
        return self._enter_when_kept(self._reserve(request, ticket, origin), ticket)

    async def _enter_when_kept(self, event: Submitted, ticket: Ticket | None) -> tuple[Job, int]:
        problem = ""
        try:
            problem = await self._store.keep(event)
        except asyncio.CancelledError:  # its client will not be told of it
            job, _ = self._enter(event, ticket)
            self.cancel(job.id)
            raise
        except BaseException:  # it cannot be written at all, such as a name that is no text
            self._reserved.discard(event.job)
            raise
        return self._enter(event, ticket, problem)

    def _reserve(self, request: JobRequest, ticket: Ticket | None, origin: str) -> Submitted:
        self.check_room(len(self._reserved))
        event = Submitted(
            job=self._unused_id(),
            name=result_name(Path(request.source), request.place.name),
            request=request,
            unix_seconds=self._clock.unix_seconds(),
            group_id="" if ticket is None else ticket.group_id,
            position=0 if ticket is None else ticket.position,
            origin=origin,
        )
        self._reserved.add(event.job)
        return event

    def _enter(self, event: Submitted, ticket: Ticket | None, unkept: str = "") -> tuple[Job, int]:
        self._reserved.discard(event.job)
        before = len(self._queue) + len(self._running)
        if ticket is not None:
            self._groups.add(ticket, event.job)
        job = self._record(event)
        if unkept:
            message = f"The history cannot be written ({unkept}): the job is lost if the bridge ends before it is done."
            job = self._record(Warned(job=job.id, warning=Warning(code="not_kept", message=message)))
        self._queue.append(job.id)
        if ticket is not None and ticket.is_cancelled:
            self.cancel(job.id)
        self._start_next()
        return job, before

    def check_room(self, pending: int = 0) -> None:
        """Raises QueueFull if the queue has no room for another job besides `pending` pending ones."""
        start_at_once = min(pending, max(0, self._slots - len(self._running)))
        if len(self._queue) + pending - start_at_once >= self._queue_limit:
            raise QueueFull(f"{len(self._queue) + pending} jobs are already waiting.")

    def cancel(self, job: str) -> None:
        """Cancels a job that is not over. See `protocols.Bridge.cancel`."""
        if self.job(job).is_over:
            return
        if job in self._running and self._runner is not None:
            self._record_cancelling(job)
            self._runner.cancel(job)
        else:
            with contextlib.suppress(ValueError):
                self._queue.remove(job)
            self._end(job, "cancelled")

    def cancel_group(self, group: str, sender: str = "") -> None:
        """Cancels all jobs of a group that are not over. See `protocols.Bridge.cancel_group`."""
        for job in self.close_group(group, sender):
            self.cancel(job)

    def close_group(self, group: str, sender: str = "") -> tuple[str, ...]:
        """Cancels a group's requests that are being checked. See `protocols.Bridge.close_group`."""
        found = self._groups.cancel(group, sender)
        if found is None:
            if group not in groups_of(self._store.jobs()):
                raise unknown_group(group)
            return ()
        jobs, end = found
        self._publish_end(end)
        return jobs[::-1]  # the running one last, so that none of the others starts in its place

    async def prepare_cancel(self, jobs: Iterable[str]) -> None:
        """Returns when it is on the drive that jobs are to be cancelled, as `cancel` then does; waits, but not long."""
        for job in jobs:
            self._record_cancelling(job)
        await self._store.written()

    @property
    def groups_are_waiting(self) -> bool:
        """Whether a group only waits for clips that its client promised: `end_idle_groups` must be called then."""
        return self._groups.are_waiting

    def end_idle_groups(self) -> None:
        """Ends the groups whose client does not keep its promise."""
        for end in self._groups.end_idle():
            self._publish_end(end)

    def job(self, job: str) -> Job:
        """Raises NotFound where there is no such job, or it was taken off the list."""
        found = self._store.get(job)
        if found is None or found.is_removed:
            raise no_such_job(job)
        return found

    def jobs(self) -> tuple[Job, ...]:
        return self._store.jobs()

    def remove(self, jobs: Iterable[str]) -> None:
        """See `protocols.Bridge.remove`."""
        for job in jobs:
            if (known := self._store.get(job)) is not None and known.is_over and not known.is_removed:
                self._record(Removed(job=job, unix_seconds=self._clock.unix_seconds()))

    def restore(self, jobs: Iterable[str]) -> None:
        """See `protocols.Bridge.restore`."""
        for job in jobs:
            if (known := self._store.get(job)) is not None and known.is_removed:
                event = Restored(job=job, unix_seconds=self._clock.unix_seconds())
                self._publish(msgspec.structs.replace(event, value=self._store.append(event)))

    @property
    def keeps_jobs(self) -> bool:
        """Whether jobs that are not over go on at the next start of the process."""
        return self._store.outlives_process

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return len(self._running)

    def on_runner_free(self, slots: int = 1) -> None:
        """Called when the runner can take jobs, `slots` at once, those that it has among them."""
        self._slots = slots
        self._start_next()

    def on_event(self, event: JobEvent) -> None:
        """Called with each event from the runner; events of any but the running jobs are ignored."""
        if event.job not in self._running:
            return
        given_up = isinstance(event, Ended) and event.outcome != "done" and not self.job(event.job).is_cancelling
        if given_up and self._is_leaving:
            return  # the runner was closed in the middle of the job, which waits again
        self._record(event)
        if isinstance(event, Ended):
            self._running.pop(event.job, None)
            self._start_next()

    def on_job_lost(self, job: str, reason: str) -> None:
        """Called when the process of a running job has died: it is taken up once more, before all others.

        The second time it fails. What it left is removed before.
        """
        self._running.pop(job)
        if self.job(job).is_cancelling:
            self._end_cancelled(job)
        else:
            self._take_up_again(job, f"the separation process ended in the middle of the job ({reason})")

    def recover(self) -> None:
        """Goes on with the jobs that an earlier run of the bridge has left, in their order.

        The one that ran is taken up once more, unless that was done before. Several ran on a farm, not in the bridge:
        none of them has ended it, and each is taken up, however often.
        """
        left = [job for job in self._store.jobs() if not job.is_over]
        ran = sum(job.state == "running" for job in left)
        for group_id, group in groups_of(self._store.jobs()).items():
            if not group.is_over:
                self._groups.restore(
                    group_id,
                    group.name,
                    [job.id for job in group.jobs if not job.is_over],
                    [job.state for job in group.jobs if job.state in ("done", "failed", "cancelled")],
                )
        self._queue.extend(job.id for job in left if job.state == "queued" and not job.is_cancelling)
        for job in reversed(left):
            if job.is_cancelling:
                self._end_cancelled(job.id)
            elif job.state == "running":
                self._take_up_again(job.id, "the bridge was ended in the middle of the job", is_suspect=ran == 1)

    def leave(self) -> None:
        """To be called before the runner is closed: what it says of a job that it gives up is no end of the job."""
        self._slots = 0
        self._is_leaving = self._store.outlives_process

    def close(self) -> None:
        """Called when the runner has ended. All jobs wait for the next start; of a store in memory, all end."""
        self._slots = 0
        running, self._running = [*self._running], {}
        if self._store.outlives_process:
            for job in running:
                is_cancelled = self.job(job).is_cancelling
                clean = self._removal(job, "cancelled" if is_cancelled else None)
                if is_cancelled:
                    self._end(job, "cancelled")
                else:
                    self._record(Requeued(job=job))
                self._clean_up(clean, lambda: None)
            return
        while self._queue:
            self._end(self._queue.popleft(), "cancelled")
        for job in running:
            clean = self._removal(job)
            self._end(job, "cancelled")
            self._clean_up(clean, lambda: None)

    def _record_cancelling(self, job: str) -> None:
        known = self._store.get(job)
        if known is not None and not known.is_over and not known.is_cancelling:
            self._record(Cancelling(job=job))

    def _end_cancelled(self, job: str) -> None:
        """Ends a job that was cancelled before its runner died, as soon as what it left is removed."""
        self._clean_up(self._removal(job, "cancelled"), lambda: self._end(job, "cancelled"))

    def _take_up_again(self, job: str, reason: str, *, is_suspect: bool = True) -> None:
        """Puts an interrupted job at the front of the queue, or fails it if it was interrupted before.

        Args:
            is_suspect: whether the job may be the cause; one that is not does not fail by it.
        """
        runs_again = not (is_suspect and self.job(job).interruptions)
        clean = self._removal(job, None if runs_again else "failed")
        if not runs_again:
            message = f"{reason[0].upper()}{reason[1:]}, for the second time."
            self._clean_up(clean, lambda: self._end(job, "failed", message))
            return

        def go_on() -> None:
            self._being_cleaned.discard(job)
            self._start_next()

        self._being_cleaned.add(job)
        self._queue.appendleft(job)
        self._record(Requeued(job=job, reason=reason if is_suspect else ""))
        self._clean_up(clean, go_on)

    def _start_next(self) -> None:
        while self._runner is not None and len(self._running) < self._slots:
            job = next((job for job in self._queue if not self.job(job).is_cancelling), "")
            if not job or job in self._being_cleaned:
                return
            self._queue.remove(job)
            self._running[job] = None
            try:
                self._runner.run(job, self.job(job).request_to_run)
            except Exception as error:
                log.exception("job %s cannot be sent to the worker", job)
                del self._running[job]
                self._end(job, "failed", f"The job cannot be sent to the worker ({type(error).__name__}).")

    def _end(self, job: str, outcome: Outcome, message: str = "") -> None:
        if self.job(job).is_over:  # it ended while its temporary files were removed
            return
        failure = Failure(code="engine_failed", message=f"{message} {ADVICE['engine_failed']}") if message else None
        self._record(Ended(job=job, outcome=outcome, unix_seconds=self._clock.unix_seconds(), failure=failure))

    def _removal(self, job: str, end: Literal["cancelled", "failed"] | None = None) -> Callable[[], None]:
        """Removes what the job has left; see `leftovers.removal`."""
        return removal(job, self._store.history(job), end)

    def _record(self, event: JobEvent) -> Job:
        job = self._store.append(event)
        self._publish(event)
        if isinstance(event, Ended):
            self._publish_end(self._groups.end(job.group_id, job.id, event.outcome))
        return job

    def _publish_end(self, end: GroupEnded | None) -> None:
        if end is not None:
            self._publish(end)

    def _unused_id(self) -> str:
        while self._store.get(job := self._new_id()) is not None or job in self._reserved:
            continue
        return job

    def _unused_group_id(self) -> str:
        used = {name for job in self._store.jobs() for name in (job.id, job.group_id)}
        while (group := self._new_id()) in used:
            continue
        return group
