"""Which job runs when: a queue, one job at a time, and what becomes of a job whose worker dies."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable
from pathlib import Path

from bridge.errors import ADVICE, NotFound, QueueFull
from bridge.events import Ended, Event, JobEvent, Started, Submitted
from bridge.model import Failure, Job, JobRequest, Outcome
from bridge.pipeline.output_folder import remove_partials
from bridge.project_paths import result_name
from bridge.protocols import Clock, JobRunner, JobStore

log = logging.getLogger(__name__)

#: Letters only: a shell or a Max patch takes `12e45678` for a number.
ID_LETTERS = "abcdefghijkmnopqrstuvwxyz"


class Scheduler:
    """Takes requests in, hands them to the runner one after another, and publishes every event of every job.

    It is the only writer of the store. `runner` is told what to do; its events come back through `happened`, its
    death through `lost`, and its being free through `free`.
    """

    def __init__(
        self,
        store: JobStore,
        clock: Clock,
        publish: Callable[[Event], None],
        *,
        queue_limit: int,
        new_id: Callable[[], str] = lambda: "".join(secrets.choice(ID_LETTERS) for _ in range(8)),
    ) -> None:
        self._store = store
        self._clock = clock
        self._publish = publish
        self._queue_limit = queue_limit
        self._new_id = new_id
        self._queue: deque[str] = deque()
        self._running: str | None = None
        self._cancelling = False
        self._runner: JobRunner | None = None
        self._runner_is_free = False

    def attach(self, runner: JobRunner) -> None:
        """Names who does the work; called once, before the first `free`."""
        self._runner = runner

    def submit(self, request: JobRequest) -> tuple[Job, int]:
        """Queues a job; returns it with the number of jobs before it. Files are checked earlier:
        `bridge.inspector.admission`.

        Raises:
            QueueFull: it was not queued.
        """
        self.check_room()
        before = len(self._queue) + (self._running is not None)
        event = Submitted(
            job=self._unused_id(),
            name=result_name(Path(request.source), request.name),
            request=request,
            unix_seconds=self._clock.unix_seconds(),
        )
        job = self._record(event)
        self._queue.append(job.id)
        self._start_next()
        return job, before

    def check_room(self, on_their_way: int = 0) -> None:
        """Raises QueueFull where the queue has no place for one more than those that are on their way into it."""
        starts_at_once = on_their_way > 0 and self._runner_is_free and self._running is None
        if len(self._queue) + on_their_way - starts_at_once >= self._queue_limit:
            raise QueueFull(f"{len(self._queue) + on_their_way} jobs are waiting already.")

    def cancel(self, job: str) -> None:
        """Ends a job that is not over. See `protocols.Bridge.cancel`."""
        if self.job(job).is_over:
            return
        if job == self._running and self._runner is not None:
            self._cancelling = True
            self._runner.cancel(job)
        else:
            with contextlib.suppress(ValueError):
                self._queue.remove(job)
            self._end(job, "cancelled")

    def job(self, job: str) -> Job:
        """Raises NotFound where there is no such job."""
        found = self._store.get(job)
        if found is None:
            raise NotFound(f"There is no job {job}.", advice="See `/sab/list` for the jobs that are known.")
        return found

    def jobs(self) -> tuple[Job, ...]:
        return self._store.jobs()

    @property
    def waiting(self) -> int:
        return len(self._queue)

    @property
    def running(self) -> int:
        return int(self._running is not None)

    def free(self) -> None:
        """The runner can take a job."""
        self._runner_is_free = True
        self._start_next()

    def happened(self, event: JobEvent) -> None:
        """The runner reports on the running job; what comes after a job's end is ignored."""
        if event.job != self._running:
            return
        self._record(event)
        if isinstance(event, Ended):
            self._running, self._cancelling = None, False
            self.free()

    def lost(self, last_words: str) -> None:
        """The runner has died; the job it was doing fails, and leaves nothing unfinished behind."""
        self._runner_is_free = False
        if self._running is None:
            return
        job, cancelled = self._running, self._cancelling
        self._running, self._cancelling = None, False
        self._sweep(job)
        if cancelled:
            self._end(job, "cancelled")
        else:
            self._end(job, "failed", f"The separation process ended in the middle of the job ({last_words}).")

    def recover(self) -> None:
        """Ends the jobs that an earlier run of the bridge left open, and removes what they left unfinished."""
        for job in self._store.jobs():
            if not job.is_over:
                self._sweep(job.id)
                self._end(job.id, "failed", "The bridge was ended before this job was done.")

    def close(self) -> None:
        """Cancels whatever is waiting or was running; the runner has been ended before."""
        self._runner_is_free = False
        while self._queue:
            self._end(self._queue.popleft(), "cancelled")
        if self._running is not None:
            job, self._running = self._running, None
            self._sweep(job)
            self._end(job, "cancelled")

    def _start_next(self) -> None:
        if self._runner is None or not self._runner_is_free or self._running is not None or not self._queue:
            return
        job = self._queue.popleft()
        try:
            self._runner.run(job, self.job(job).request)
        except Exception as error:
            log.exception("job %s cannot be handed over", job)
            self._end(job, "failed", f"The job cannot be handed over ({type(error).__name__}).")
            self._start_next()
            return
        self._running = job
        self._runner_is_free = False

    def _end(self, job: str, outcome: Outcome, why: str = "") -> None:
        failure = Failure(code="engine_failed", message=f"{why} {ADVICE['engine_failed']}") if why else None
        self._record(Ended(job=job, outcome=outcome, unix_seconds=self._clock.unix_seconds(), failure=failure))

    def _sweep(self, job: str) -> None:
        """Removes what the job has left unfinished, in every folder that it has worked in."""
        folders = [event.output_dir for event in self._store.history(job) if isinstance(event, Started)]
        for folder in map(Path, dict.fromkeys(filter(None, folders))):
            with contextlib.suppress(OSError):  # the drive may be gone; then so is what lay on it
                remove_partials(job, folder)
                if self.job(job).request.out is None:
                    folder.rmdir()

    def _record(self, event: JobEvent) -> Job:
        job = self._store.append(event)
        self._publish(event)
        return job

    def _unused_id(self) -> str:
        while self._store.get(job := self._new_id()) is not None:
            continue
        return job
