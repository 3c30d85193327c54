from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.errors import NotFound, QueueFull
from bridge.events import Ended, Event, Produced, Progressed, Started
from bridge.model import JobRequest, Result
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner


class Desk:
    """A scheduler with all that belongs to it."""

    def __init__(self, source: Path, *, queue_limit: int = 10) -> None:
        self.source = source
        self.events: list[Event] = []
        self.runner = RecordingRunner()
        self.store = MemoryStore()
        names: Iterator[str] = (f"job{number}" for number in range(1, 10_000))
        self.scheduler = Scheduler(
            self.store,
            FakeClock(),
            self.events.append,
            queue_limit=queue_limit,
            new_id=lambda: next(names),
        )
        self.scheduler.attach(self.runner)

    def submit(self, **options: object) -> str:
        request = JobRequest(source=str(self.source), **options)  # type: ignore[arg-type]
        return self.scheduler.submit(request)[0].id

    def end(self, job: str) -> None:
        self.scheduler.happened(Ended(job=job, outcome="done", unix_seconds=1.0))

    def states(self) -> dict[str, str]:
        return {job.id: job.state for job in self.scheduler.jobs()}


@pytest.fixture
def desk(clip: Path) -> Desk:
    return Desk(clip)


def test_a_job_starts_when_the_runner_is_free(desk: Desk) -> None:
    desk.submit()
    assert desk.runner.asked == []
    desk.scheduler.free()
    assert desk.runner.asked == [("run", "job1")]


def test_jobs_run_one_after_another(desk: Desk) -> None:
    desk.scheduler.free()
    places = [desk.scheduler.submit(JobRequest(source=str(desk.source)))[1] for _ in range(3)]
    assert places == [0, 1, 2]
    desk.end("job1")
    desk.end("job2")
    assert desk.runner.asked == [("run", "job1"), ("run", "job2"), ("run", "job3")]


def test_a_waiting_job_is_cancelled_at_once(desk: Desk) -> None:
    desk.scheduler.free()
    desk.submit()
    waiting = desk.submit()
    desk.scheduler.cancel(waiting)
    assert desk.states()[waiting] == "cancelled"
    desk.end("job1")
    assert ("run", waiting) not in desk.runner.asked


def test_a_running_job_is_asked_to_stop_and_ends_when_it_has(desk: Desk) -> None:
    desk.scheduler.free()
    job = desk.submit()
    desk.scheduler.cancel(job)
    assert desk.runner.asked[-1] == ("cancel", job)
    assert desk.states()[job] == "queued"
    desk.scheduler.happened(Ended(job=job, outcome="cancelled", unix_seconds=1.0))
    assert desk.states()[job] == "cancelled"


def test_cancelling_what_is_over_changes_nothing(desk: Desk) -> None:
    desk.scheduler.free()
    job = desk.submit()
    desk.end(job)
    before = list(desk.events)
    desk.scheduler.cancel(job)
    assert desk.events == before


def test_a_dead_runner_fails_its_job_and_the_next_one_runs(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "stems" / "clip"
    out.mkdir(parents=True)
    desk.scheduler.free()
    first, second = desk.submit(), desk.submit()
    desk.scheduler.happened(Started(job=first, engine="draft", device="cpu", output_dir=str(out)))
    (out / f".{first}.bass.partial").touch()
    desk.scheduler.lost("Killed")
    failed = desk.scheduler.job(first)
    assert failed.state == "failed"
    assert failed.failure is not None
    assert (failed.failure.code, "Killed" in failed.failure.message) == ("engine_failed", True)
    assert not out.exists()
    assert desk.runner.asked == [("run", first)]
    desk.scheduler.free()
    assert desk.runner.asked[-1] == ("run", second)


def test_files_that_were_announced_survive_a_dead_runner(desk: Desk, tmp_path: Path) -> None:
    desk.scheduler.free()
    job = desk.submit()
    done = tmp_path / "clip (Bass).wav"
    done.touch()
    desk.scheduler.happened(Started(job=job, engine="draft", device="cpu", output_dir=str(tmp_path)))
    desk.scheduler.happened(Produced(job=job, result=Result(kind="stem", name="bass", path=str(done), seconds=1.0)))
    desk.scheduler.lost("Killed")
    assert done.exists()


def test_a_job_that_would_not_stop_is_cancelled_when_its_runner_is_replaced(desk: Desk) -> None:
    desk.scheduler.free()
    job = desk.submit()
    desk.scheduler.cancel(job)
    desk.scheduler.lost("Killed")
    assert desk.states()[job] == "cancelled"


def test_last_words_about_a_job_that_is_over_are_ignored(desk: Desk) -> None:
    desk.scheduler.free()
    job = desk.submit()
    desk.end(job)
    before = list(desk.events)
    desk.scheduler.happened(Progressed(job=job, stage="writing", fraction=0.9))
    assert desk.events == before


def test_nobody_is_not_cancelled(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.scheduler.cancel("nobody")
    assert desk.events == []


def test_the_disk_is_not_looked_at(tmp_path: Path) -> None:
    """That is done before, by whoever can wait: see `bridge.inspector.admission`."""
    Desk(tmp_path / "gone.wav").submit()


@pytest.mark.parametrize(("free", "room"), [(True, 3), (False, 2)])
def test_who_is_on_the_way_takes_a_place(clip: Path, free: bool, room: int) -> None:
    desk = Desk(clip, queue_limit=2)
    if free:
        desk.scheduler.free()  # the first on the way begins at once
    desk.scheduler.check_room(room - 1)
    with pytest.raises(QueueFull):
        desk.scheduler.check_room(room)


def test_a_full_queue_says_so(clip: Path) -> None:
    desk = Desk(clip, queue_limit=1)
    desk.scheduler.free()
    desk.submit()
    desk.submit()
    with pytest.raises(QueueFull):
        desk.submit()


def test_what_an_earlier_run_left_open_is_ended(desk: Desk, tmp_path: Path) -> None:
    job = desk.submit(out=str(tmp_path))
    partial = tmp_path / f".{job}.bass.partial"
    partial.touch()
    desk.store.append(Started(job=job, engine="draft", device="cpu", output_dir=str(tmp_path)))
    desk.scheduler.recover()
    assert desk.states()[job] == "failed"
    assert not partial.exists()
    assert tmp_path.exists()


def test_closing_cancels_everything(desk: Desk) -> None:
    desk.scheduler.free()
    desk.submit()
    desk.submit()
    desk.scheduler.close()
    assert set(desk.states().values()) == {"cancelled"}


class AnyOrder(RuleBasedStateMachine):
    """Whatever happens in whatever order: every job ends once, and at most one runs."""

    source: Path

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.source, queue_limit=1000)
        self.alive = False

    @property
    def running(self) -> str | None:
        runs = [job for verb, job in self.desk.runner.asked if verb == "run"]
        return next((job for job in runs if not self.desk.scheduler.job(job).is_over), None)

    @rule()
    def submit(self) -> None:
        self.desk.submit()

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.desk.scheduler.jobs())
    def cancel(self, pick: int) -> None:
        jobs = self.desk.scheduler.jobs()
        self.desk.scheduler.cancel(jobs[pick % len(jobs)].id)

    @rule()
    @precondition(lambda self: not self.alive)
    def become_free(self) -> None:
        self.alive = True
        self.desk.scheduler.free()

    @rule(outcome=st.sampled_from(["done", "failed", "cancelled"]))
    @precondition(lambda self: self.running)
    def finish(self, outcome: str) -> None:
        assert self.running is not None
        self.desk.scheduler.happened(Ended(job=self.running, outcome=outcome, unix_seconds=1.0))  # type: ignore[arg-type]

    @rule()
    @precondition(lambda self: self.alive)
    def die(self) -> None:
        self.alive = False
        self.desk.scheduler.lost("gone")

    @invariant()
    def one_end_for_each_job(self) -> None:
        ended = [event.job for event in self.desk.events if isinstance(event, Ended)]
        assert len(ended) == len(set(ended))

    @invariant()
    def at_most_one_runs_and_none_waits_for_a_free_runner(self) -> None:
        runs = [job for verb, job in self.desk.runner.asked if verb == "run"]
        assert len(runs) == len(set(runs))
        assert sum(not self.desk.scheduler.job(job).is_over for job in runs) <= 1
        if self.alive and self.running is None:
            assert self.desk.scheduler.waiting == 0


def test_any_order(clip: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    AnyOrder.source = clip
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=40, deadline=None))
