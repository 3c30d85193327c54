"""Whatever happens in whatever order, no job is lost, doubled or stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bridge.events import Ended, Produced, Requeued, Warned
from bridge.farm import runner as module
from tests.farm.runner_bench import Bench, turns


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

    @rule(pick=st.integers(0, 100), code=st.sampled_from(["engine_failed", "not_audio"]))
    @precondition(lambda self: self.bench.farm.songs)
    def a_job_fails_there(self, pick: int, code: str) -> None:
        job = sorted(self.bench.farm.songs)[pick % len(self.bench.farm.songs)]
        if not self.bench.farm.songs[job].end.done():
            self.do(lambda: self.bench.fail_there(job, code))

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
