"""A scheduler, a runner and a farm that a test holds in its hands."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.events import Ended, Event, LiveNotes, Produced, Progressed, Started
from bridge.farm.runner import FarmRunner, RunnerReports
from bridge.model import Failure, Job, Result
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fake_farm import FakeFarm
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.requests import request_for


class Bench:
    """A scheduler whose runner has a farm and a worker that only records its calls."""

    def __init__(self, clip: Path, *, slots: int = 0) -> None:
        self.clip = clip
        self.events: list[Event] = []
        self.live: list[LiveNotes] = []
        self.farm, self.worker = FakeFarm(slots=slots), RecordingRunner()
        names = (f"job{number}" for number in range(1, 10_000))
        self.scheduler = Scheduler(
            MemoryStore(), FakeClock(), self.events.append, queue_limit=1000, new_id=lambda: next(names)
        )
        reports = RunnerReports(
            on_event=self.scheduler.on_event,
            on_live_notes=self.live.append,
            on_free=self.scheduler.on_runner_free,
            on_job_lost=self.scheduler.on_job_lost,
            publish=self.events.append,
        )
        self.runner = FarmRunner(FakeClock(), reports)
        self.runner.use(self.worker)
        self.scheduler.run(self.runner)
        self.runner.join(self.farm)

    def submit(self) -> str:
        job, _ = self.scheduler.submit(request_for(self.clip))
        return job.id

    def job(self, job: str) -> Job:
        return self.scheduler.job(job)

    def here(self) -> list[str]:
        """The jobs that this machine's worker was asked to run."""
        return [job for verb, job in self.worker.asked if verb == "run"]

    def end_here(self, job: str) -> None:
        self.runner.on_worker_event(Ended(job=job, outcome="done", unix_seconds=1.0))

    def end_there(self, job: str) -> None:
        self.farm.songs[job].end.set_result(Ended(job=job, outcome="done", unix_seconds=1.0))

    def fail_there(self, job: str, code: str) -> None:
        failure = Failure(code=code, message="It did not work over there.")
        self.farm.songs[job].end.set_result(Ended(job=job, outcome="failed", unix_seconds=1.0, failure=failure))

    def tell_there(self, job: str) -> None:
        """The farm tells of a start, a file and some progress."""
        tell = self.farm.songs[job].tell
        tell(Started(job=job, engine="draft", device="cuda", output_dir="/out"))
        tell(Produced(job=job, result=Result(kind="stem", name="bass", folder="/out", file="bass.wav", seconds=1.0)))
        tell(Progressed(job=job, stage="writing", fraction=0.9))

    def of(self, job: str) -> list[str]:
        """The kinds of a job's events in order."""
        return [type(event).__name__ for event in self.events if getattr(event, "job", "") == job]


async def turns(count: int = 6) -> None:
    """Lets everything happen that can happen now."""
    for _ in range(count):
        await asyncio.sleep(0)
