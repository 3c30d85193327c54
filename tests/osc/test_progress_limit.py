from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Ended, JobEvent, Produced, Progressed
from bridge.model import Result, Stage
from bridge.osc.progress_limit import ProgressLimit
from tests.support.fakes import FakeClock

STAGES: tuple[Stage, ...] = get_args(Stage)


def progress(stage: Stage, fraction: float, job: str = "j1") -> Progressed:
    return Progressed(job=job, stage=stage, fraction=fraction)


def ended(job: str = "j1") -> Ended:
    return Ended(job=job, outcome="done", unix_seconds=0)


def test_the_first_progress_goes_at_once_and_the_newest_of_those_after_it_a_moment_later() -> None:
    clock = FakeClock()
    pacer = ProgressLimit(clock)
    first, second, third = (progress("separating", fraction) for fraction in (0.1, 0.2, 0.3))
    assert pacer.admit(first) == [first]
    assert pacer.admit(second) == pacer.admit(third) == []
    wait_seconds = pacer.wait_seconds()
    assert wait_seconds is not None
    assert 0 < wait_seconds <= 0.25
    clock.advance(wait_seconds)
    assert pacer.release() == [third]
    assert pacer.wait_seconds() is None


def test_changes_of_stage_go_at_once() -> None:
    pacer = ProgressLimit(FakeClock())
    for stage in STAGES:
        assert pacer.admit(progress(stage, 0.0)) == [progress(stage, 0.0)]
    assert pacer.admit(ended()) == [ended()]


def test_jobs_do_not_hold_each_other_back() -> None:
    pacer = ProgressLimit(FakeClock())
    assert pacer.admit(progress("loading", 0.1, "j1"))
    assert pacer.admit(progress("loading", 0.1, "j2"))


def test_what_waits_is_dropped_where_something_newer_is_told() -> None:
    pacer = ProgressLimit(FakeClock())
    pacer.admit(progress("separating", 0.6))
    assert pacer.admit(progress("separating", 0.8)) == []
    produced = Produced(job="j1", result=Result(kind="stem", name="bass", path="/b.wav", seconds=1))
    assert pacer.admit(produced) == [produced]
    assert pacer.wait_seconds() is None
    assert pacer.admit(progress("separating", 0.9)) == []
    assert pacer.admit(ended()) == [ended()]
    assert pacer.wait_seconds() is None


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 1)), max_size=80))
def test_never_more_than_five_a_second_no_stage_lost_and_nothing_out_of_order(steps: list[tuple[float, int]]) -> None:
    clock = FakeClock()
    pacer = ProgressLimit(clock)
    sent: list[tuple[float, JobEvent]] = []
    stage, said = 0, []
    for number, (pause, advance) in enumerate(steps):
        clock.advance(pause)
        sent += [(clock.now, event) for event in pacer.release()]
        stage = min(stage + advance, len(STAGES) - 1)
        said.append(progress(STAGES[stage], number / 100))
        sent += [(clock.now, event) for event in pacer.admit(said[-1])]
    sent += [(clock.now, event) for event in pacer.admit(ended())]
    assert pacer.wait_seconds() is None

    told = [(moment, event) for moment, event in sent if isinstance(event, Progressed)]
    for moment, _ in told:
        assert sum(moment <= other <= moment + 1.0 for other, _ in told) <= 5
    assert [event for _, event in told] == sorted((event for _, event in told), key=lambda event: event.fraction)
    assert {event.stage for _, event in told} == {event.stage for event in said}
    assert sent[-1][1] == ended()
