"""A scheduler with a fake runner, which tests can end and start again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.events import Ended, Event, GroupEnded, Progressed
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.requests import request_for


def lose_runner(scheduler: Scheduler, reason: str) -> None:
    """The process of the job that runs dies, and takes no other until `on_runner_free`."""
    scheduler.on_runner_free(0)
    for job in reversed([*scheduler._running]):
        scheduler.on_job_lost(job, reason)


class LastingStore(MemoryStore):
    """Stands for a store on a drive."""

    outlives_process = True


class SchedulerBench:
    """A scheduler with a fake runner and a store in memory."""

    def __init__(self, source: Path, *, queue_limit: int = 10, lasting: bool = False) -> None:
        self.source = source
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.runner = RecordingRunner()
        self.store = LastingStore() if lasting else MemoryStore()
        self.queue_limit = queue_limit
        self.names: Iterator[str] = (f"job{number}" for number in range(1, 10_000))
        self.scheduler = self.new_scheduler()

    def new_scheduler(self) -> Scheduler:
        """As in a bridge that starts with this store."""
        scheduler = Scheduler(
            self.store,
            self.clock,
            self.events.append,
            queue_limit=self.queue_limit,
            new_id=lambda: next(self.names),
        )
        scheduler.run(self.runner)
        return scheduler

    def restart(self) -> None:
        """The bridge was killed, and runs again."""
        self.runner.asked.clear()
        self.scheduler = self.new_scheduler()
        self.scheduler.recover()
        self.scheduler.on_runner_free()

    def begin(self, job: str) -> None:
        """The runner reports that it works on the job."""
        self.scheduler.on_event(Progressed(job=job, stage="loading", fraction=0.0))

    def submit(self, sender: str = "", **options: object) -> str:
        request = request_for(self.source, **options)
        ticket = self.scheduler.enter_group(request, sender)
        job, _ = self.scheduler.submit(request, ticket)
        if ticket is not None:
            self.scheduler.leave_group(ticket)
        return job.id

    def end(self, job: str) -> None:
        self.scheduler.on_event(Ended(job=job, outcome="done", unix_seconds=1.0))

    def group_ends(self) -> list[GroupEnded]:
        return [event for event in self.events if isinstance(event, GroupEnded)]

    def states(self) -> dict[str, str]:
        return {job.id: job.state for job in self.scheduler.jobs()}
