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


def test_the_first_progress_is_sent_at_once_and_the_newest_after_it_with_a_delay() -> None:
    clock = FakeClock()
    limit = ProgressLimit(clock)
    first, second, third = (progress("separating", fraction) for fraction in (0.1, 0.2, 0.3))
    assert limit.admit(first) == [first]
    assert limit.admit(second) == limit.admit(third) == []
    wait_seconds = limit.wait_seconds()
    assert wait_seconds is not None
    assert 0 < wait_seconds <= 0.25
    clock.advance(wait_seconds)
    assert limit.release() == [third]
    assert limit.wait_seconds() is None


def test_changes_of_stage_are_sent_at_once() -> None:
    limit = ProgressLimit(FakeClock())
    for stage in STAGES:
        assert limit.admit(progress(stage, 0.0)) == [progress(stage, 0.0)]
    assert limit.admit(ended()) == [ended()]


def test_each_job_has_its_own_limit() -> None:
    limit = ProgressLimit(FakeClock())
    assert limit.admit(progress("loading", 0.1, "j1"))
    assert limit.admit(progress("loading", 0.1, "j2"))


def test_waiting_progress_is_dropped_when_another_event_is_sent() -> None:
    limit = ProgressLimit(FakeClock())
    limit.admit(progress("separating", 0.6))
    assert limit.admit(progress("separating", 0.8)) == []
    produced = Produced(job="j1", result=Result(kind="stem", name="bass", folder="/", file="b.wav", seconds=1))
    assert limit.admit(produced) == [produced]
    assert limit.wait_seconds() is None
    assert limit.admit(progress("separating", 0.9)) == []
    assert limit.admit(ended()) == [ended()]
    assert limit.wait_seconds() is None


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 1)), max_size=80))
def test_at_most_five_a_second_without_losing_a_stage_or_the_order(steps: list[tuple[float, int]]) -> None:
    clock = FakeClock()
    limit = ProgressLimit(clock)
    sent: list[tuple[float, JobEvent]] = []
    stage, reported = 0, []
    for number, (pause, advance) in enumerate(steps):
        clock.advance(pause)
        sent += [(clock.now, event) for event in limit.release()]
        stage = min(stage + advance, len(STAGES) - 1)
        reported.append(progress(STAGES[stage], number / 100))
        sent += [(clock.now, event) for event in limit.admit(reported[-1])]
    sent += [(clock.now, event) for event in limit.admit(ended())]
    assert limit.wait_seconds() is None

    sent_progress = [(moment, event) for moment, event in sent if isinstance(event, Progressed)]
    for moment, _ in sent_progress:
        assert sum(moment <= other <= moment + 1.0 for other, _ in sent_progress) <= 5
    assert [event for _, event in sent_progress] == sorted(
        (event for _, event in sent_progress), key=lambda event: event.fraction
    )
    assert {event.stage for _, event in sent_progress} == {event.stage for event in reported}
    assert sent[-1][1] == ended()
