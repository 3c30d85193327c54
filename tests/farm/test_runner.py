"""The bridge's jobs on a farm that comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bridge.events import Ended, Event, LiveNotes, Noticed, Produced, Progressed, Requeued, Started, Warned
from bridge.farm import runner as module
from bridge.farm.runner import MOST_RETURNS, FarmRunner, RunnerReports
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


async def test_a_job_goes_to_the_farm_and_its_events_come_from_there(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.tell_there(job)
    bench.end_there(job)
    await turns()
    assert bench.of(job) == ["Submitted", "Started", "Produced", "Progressed", "Ended"]
    assert (bench.job(job).state, bench.job(job).device, bench.here()) == ("done", "cuda", [])


async def test_as_many_jobs_run_at_once_as_the_farm_takes(clip: Path) -> None:
    bench = Bench(clip, slots=3)
    bench.runner.on_worker_ready()
    jobs = [bench.submit() for _ in range(5)]
    await turns()
    assert bench.farm.given == jobs[:3]
    assert (bench.scheduler.running, bench.scheduler.waiting) == (3, 2)
    bench.end_there(jobs[1])
    await turns()
    assert bench.farm.given == jobs[:4]
    bench.farm.become(4)
    await turns()
    assert bench.farm.given == jobs
    assert bench.here() == []


async def test_without_a_farm_jobs_run_one_after_another_on_this_machine(clip: Path) -> None:
    bench = Bench(clip)
    first, second = bench.submit(), bench.submit()
    assert bench.here() == []  # its worker is still starting
    bench.runner.on_worker_ready()
    assert bench.here() == [first]
    bench.end_here(first)
    assert bench.here() == [first, second]
    assert bench.farm.given == []


async def test_a_farm_that_goes_in_the_middle_of_a_job_costs_a_warning_and_nothing_else(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.tell_there(job)
    bench.farm.vanish()
    await turns()
    assert bench.here() == [job]
    assert bench.job(job).results == ()  # the worker tells of them again
    bench.end_here(job)
    done = bench.job(job)
    assert (done.state, [warning.code for warning in done.warnings], done.interruptions) == ("done", ["farm_gone"], 0)
    assert bench.of(job)[-3:] == ["Warned", "Requeued", "Ended"]
    assert [event.level for event in bench.events if isinstance(event, Noticed)] == ["info", "warning"]


async def test_the_farm_gets_the_next_job_when_it_is_back(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    bench.farm.vanish()
    first, second = bench.submit(), bench.submit()
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [])
    bench.farm.become(1)
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [second])  # the first stays where it is


async def test_jobs_that_come_back_all_at_once_run_here_in_turn(clip: Path) -> None:
    bench = Bench(clip, slots=3)
    bench.runner.on_worker_ready()
    jobs = [bench.submit() for _ in range(4)]
    await turns()
    bench.farm.vanish()
    await turns()
    done: list[str] = []
    while len(done) < 4:
        running = bench.here()[-1]
        assert running not in done
        bench.end_here(running)
        done.append(running)
        await turns()
    assert done == [jobs[3], *jobs[:3]]  # the worker was free before the others came back, in their order
    assert {bench.job(job).state for job in jobs} == {"done"}


async def test_a_job_does_not_go_to_and_fro_for_ever(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    for _ in range(MOST_RETURNS):
        await turns()
        bench.farm.vanish(is_noticed=False)
    await turns()
    assert (bench.farm.given, bench.here()) == ([job] * MOST_RETURNS, [job])


@pytest.mark.parametrize("hears", [True, False])
async def test_a_cancelled_job_ends_whether_the_farm_hears_or_not(
    clip: Path, hears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CANCEL_GRACE_SECONDS", 60.0 if hears else 0.0)
    bench = Bench(clip, slots=1)
    bench.farm.hears_cancellations = hears
    job = bench.submit()
    await turns()
    song = bench.farm.songs[job]
    bench.scheduler.cancel(job)
    await turns()
    assert song.is_cancelled
    assert bench.job(job).state == "cancelled"
    song.tell(Progressed(job=job, stage="writing", fraction=0.9))
    assert bench.of(job)[-1] == "Ended"
    bench.farm.is_closed = True


async def test_a_job_that_waits_for_the_worker_is_cancelled_at_once(clip: Path) -> None:
    bench = Bench(clip, slots=2)
    bench.runner.on_worker_ready()
    first, second = bench.submit(), bench.submit()
    await turns()
    bench.farm.vanish()
    await turns()
    waits = first if bench.here() == [second] else second
    bench.scheduler.cancel(waits)
    assert bench.job(waits).state == "cancelled"
    assert len(bench.here()) == 1


async def test_a_worker_that_dies_loses_only_its_own_job(clip: Path) -> None:
    bench = Bench(clip)
    bench.runner.on_worker_ready()
    here = bench.submit()
    bench.farm.become(1)
    there = bench.submit()
    await turns()
    bench.runner.on_worker_lost("Killed")
    assert bench.job(here).interruptions == 1
    assert bench.job(there).interruptions == 0
    bench.end_there(there)
    await turns()
    assert bench.farm.given == [there, here]  # the farm takes it up


async def test_live_notes_come_from_the_farm(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    job = bench.submit()
    await turns()
    notes = LiveNotes(
        job=job, parts={"bass": ()}, until_seconds=1.0, heard_seconds=1.0, clip_seconds=9.0, tempo_bpm=120.0
    )
    bench.farm.songs[job].tell(notes)
    assert bench.live == [notes]


async def test_closing_leaves_the_jobs_to_the_next_start(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    job = bench.submit()
    await turns()
    bench.scheduler.leave()
    await bench.runner.close()
    assert bench.farm.is_closed
    assert bench.of(job) == ["Submitted"]


class AnyOrder(RuleBasedStateMachine):
    """For any order of what farm and worker do: every job ends once, and none waits where somebody could compute."""

    clip: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.bench: Bench = self.do(lambda: Bench(self.clip))
        self.worker_lives = False

    def do(self, action: Callable[[], Any]) -> Any:
        async def act() -> Any:
            done = action()
            await turns()
            return done

        return self.loop.run_until_complete(act())

    @property
    def running_here(self) -> str:
        return self.bench.runner._here

    @rule()
    def submit(self) -> None:
        self.do(self.bench.submit)

    @rule(slots=st.integers(0, 3))
    def machines_join_or_leave(self, slots: int) -> None:
        self.do(lambda: self.bench.farm.become(slots))

    @rule(is_noticed=st.booleans())
    def the_farm_vanishes(self, is_noticed: bool) -> None:
        self.do(lambda: self.bench.farm.vanish(is_noticed=is_noticed))

    @rule(hears=st.booleans())
    def the_network_hangs_or_not(self, hears: bool) -> None:
        self.bench.farm.hears_cancellations = hears

    @rule(pick=st.integers(0, 100), begins_anew=st.booleans(), vanishes=st.booleans())
    @precondition(lambda self: self.bench.farm.songs)
    def the_farm_tells(self, pick: int, begins_anew: bool, vanishes: bool) -> None:
        job = sorted(self.bench.farm.songs)[pick % len(self.bench.farm.songs)]

        def tell() -> None:
            self.bench.tell_there(job)
            if begins_anew:
                self.bench.farm.songs[job].tell(Requeued(job=job))
                self.bench.tell_there(job)
            if vanishes:
                self.bench.farm.vanish()

        self.do(tell)

    @rule(pick=st.integers(0, 100), outcome=st.sampled_from(["done", "failed", "cancelled"]))
    @precondition(lambda self: self.bench.farm.songs)
    def the_farm_ends_a_job(self, pick: int, outcome: str) -> None:
        job = sorted(self.bench.farm.songs)[pick % len(self.bench.farm.songs)]
        end = self.bench.farm.songs[job].end
        if not end.done():
            self.do(lambda: end.set_result(Ended(job=job, outcome=outcome, unix_seconds=1.0)))  # type: ignore[arg-type]

    @rule()
    @precondition(lambda self: not self.worker_lives)
    def the_worker_starts(self) -> None:
        self.worker_lives = True
        self.do(self.bench.runner.on_worker_ready)

    @rule()
    @precondition(lambda self: self.worker_lives)
    def the_worker_dies(self) -> None:
        self.worker_lives = False
        self.do(lambda: self.bench.runner.on_worker_lost("Killed"))

    @rule()
    @precondition(lambda self: self.running_here)
    def the_worker_ends_its_job(self) -> None:
        self.do(lambda: self.bench.end_here(self.running_here))

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.bench.scheduler.jobs())
    def cancel(self, pick: int) -> None:
        jobs = self.bench.scheduler.jobs()
        job = jobs[pick % len(jobs)].id

        def act() -> None:
            self.bench.scheduler.cancel(job)
            if job == self.running_here:
                self.bench.runner.on_worker_event(Ended(job=job, outcome="cancelled", unix_seconds=1.0))

        self.do(act)

    @invariant()
    def every_job_is_somewhere_and_ends_once(self) -> None:
        scheduler, runner = self.bench.scheduler, self.bench.runner
        ends = [event.job for event in self.bench.events if isinstance(event, Ended)]
        assert sorted(ends) == sorted(job.id for job in scheduler.jobs() if job.is_over)
        held = [*runner._there, *(job for job, _ in runner._waiting), *([runner._here] if runner._here else [])]
        assert len(set(held)) == len(held) == scheduler.running
        assert scheduler.running + scheduler.waiting == sum(not job.is_over for job in scheduler.jobs())

    @invariant()
    def none_waits_where_somebody_could_compute(self) -> None:
        runner, farm = self.bench.runner, self.bench.farm
        if self.bench.scheduler.waiting:
            assert len(runner._there) >= farm.slots
            assert farm.slots or not self.worker_lives or runner._here
        if runner._waiting:
            assert runner._here or not self.worker_lives

    @invariant()
    def nothing_comes_after_an_end(self) -> None:
        for job in self.bench.scheduler.jobs():
            assert "Ended" not in self.bench.of(job.id)[:-1]
            produced = [event for event in self.bench.events if isinstance(event, (Produced, Requeued))]
            mine = [event for event in produced if event.job == job.id]
            last = max((at for at, event in enumerate(mine) if isinstance(event, Requeued)), default=-1)
            assert len(job.results) == len(mine) - last - 1  # what an attempt before has told is taken back

    def teardown(self) -> None:
        """Whatever has happened: without a farm, the worker does what is left."""
        self.do(self.bench.farm.vanish)
        if not self.worker_lives:
            self.do(self.bench.runner.on_worker_ready)
        for _ in range(2 * len(self.bench.scheduler.jobs())):
            if self.running_here:
                self.do(lambda: self.bench.end_here(self.running_here))
        assert all(job.is_over for job in self.bench.scheduler.jobs())
        warned = {event.job for event in self.bench.events if isinstance(event, Warned)}
        assert warned <= set(self.bench.farm.given)
        close: Coroutine[Any, Any, None] = self.bench.runner.close()
        self.loop.run_until_complete(close)
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.do(lambda: None)
        self.loop.close()


def test_any_order(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CANCEL_GRACE_SECONDS", 0.0)
    machine = type("AnyOrderOfClip", (AnyOrder,), {"clip": clip})
    run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))


@pytest.mark.parametrize("code", ["engine_failed", "out_of_memory", "weights_unavailable", "internal"])
async def test_a_job_that_fails_by_its_machine_begins_again_here_and_stays_here(clip: Path, code: str) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.fail_there(job, code)
    await turns()
    assert (bench.here(), bench.farm.given) == ([job], [job])
    bench.end_here(job)
    assert (bench.job(job).state, [warning.code for warning in bench.job(job).warnings]) == ("done", ["farm_gone"])


async def test_a_job_that_fails_by_its_clip_is_not_tried_again(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.fail_there(job, "not_audio")
    await turns()
    assert (bench.here(), bench.job(job).state) == ([], "failed")


async def test_a_runner_that_is_closed_begins_nothing_however_its_jobs_end(clip: Path) -> None:
    bench = Bench(clip)
    bench.runner.on_worker_ready()
    first, second = bench.submit(), bench.submit()
    bench.farm.become(2)
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [second])
    bench.scheduler.leave()
    closing = asyncio.create_task(bench.runner.close())
    third = bench.submit()
    bench.end_here(first)
    bench.runner.on_worker_ready()
    await closing
    await turns()
    assert (bench.here(), bench.farm.given, bench.job(third).state) == ([first], [second], "queued")
