from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Ended, JobEvent, Produced, Progressed
from bridge.model import Result, Stage
from bridge.osc.pacing import ProgressPacer
from tests.fakes import FakeClock

STAGES: tuple[Stage, ...] = get_args(Stage)


def progress(stage: Stage, fraction: float, job: str = "j1") -> Progressed:
    return Progressed(job=job, stage=stage, fraction=fraction)


def ended(job: str = "j1") -> Ended:
    return Ended(job=job, outcome="done", unix_seconds=0)


def test_the_first_progress_goes_at_once_and_the_newest_of_those_after_it_a_moment_later() -> None:
    clock = FakeClock()
    pacer = ProgressPacer(clock)
    first, second, third = (progress("separating", fraction) for fraction in (0.1, 0.2, 0.3))
    assert pacer.admit(first) == [first]
    assert pacer.admit(second) == pacer.admit(third) == []
    wait_seconds = pacer.wait_seconds()
    assert wait_seconds is not None
    assert 0 < wait_seconds <= 0.25
    clock.turn(wait_seconds)
    assert pacer.release() == [third]
    assert pacer.wait_seconds() is None


def test_changes_of_stage_go_at_once() -> None:
    pacer = ProgressPacer(FakeClock())
    for stage in STAGES:
        assert pacer.admit(progress(stage, 0.0)) == [progress(stage, 0.0)]
    assert pacer.admit(ended()) == [ended()]


def test_changes_of_stage_that_must_wait_are_told_one_after_the_other() -> None:
    clock = FakeClock()
    pacer = ProgressPacer(clock)
    for number in range(5):
        assert pacer.admit(progress("separating", number / 10))
        clock.turn(0.25 if number < 4 else 0.01)
    for event in (progress("transcribing", 0.6), progress("transcribing", 0.7), progress("writing", 0.9)):
        assert pacer.admit(event) == []
    sent: list[JobEvent] = []
    while (wait_seconds := pacer.wait_seconds()) is not None:
        clock.turn(wait_seconds + 1e-9)
        sent += pacer.release()
    assert sent == [progress("transcribing", 0.7), progress("writing", 0.9)]


def test_jobs_do_not_hold_each_other_back() -> None:
    pacer = ProgressPacer(FakeClock())
    assert pacer.admit(progress("loading", 0.1, "j1"))
    assert pacer.admit(progress("loading", 0.1, "j2"))


def test_results_pass_and_the_end_waits_for_the_last_progress() -> None:
    clock = FakeClock()
    pacer = ProgressPacer(clock)
    pacer.admit(progress("writing", 0.8))
    last = progress("writing", 1.0)
    assert pacer.admit(last) == []
    produced = Produced(job="j1", result=Result(kind="stem", name="bass", path="/b.wav", seconds=1))
    assert pacer.admit(produced) == [produced]
    assert pacer.admit(ended()) == []
    assert pacer.admit(progress("writing", 0.9)) == []  # after the end nothing counts
    clock.turn(0.3)
    assert pacer.release() == [last, ended()]


def test_at_the_servers_end_nothing_is_lost() -> None:
    pacer = ProgressPacer(FakeClock())
    pacer.admit(progress("writing", 0.8))
    pacer.admit(progress("writing", 1.0))
    pacer.admit(ended())
    assert pacer.drain() == [progress("writing", 1.0), ended()]
    assert pacer.drain() == []


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 1)), max_size=80))
def test_never_more_than_five_a_second_no_stage_lost_and_the_last_word_said(steps: list[tuple[float, int]]) -> None:
    clock = FakeClock()
    pacer = ProgressPacer(clock)
    sent: list[tuple[float, JobEvent]] = []
    stage, said = 0, []
    for number, (pause, advance) in enumerate(steps):
        clock.turn(pause)
        sent += [(clock.now, event) for event in pacer.release()]
        stage = min(stage + advance, len(STAGES) - 1)
        said.append(progress(STAGES[stage], number / 100))
        sent += [(clock.now, event) for event in pacer.admit(said[-1])]
    sent += [(clock.now, event) for event in pacer.admit(ended())]
    while (wait_seconds := pacer.wait_seconds()) is not None:
        clock.turn(wait_seconds + 1e-9)
        sent += [(clock.now, event) for event in pacer.release()]

    told = [(moment, event) for moment, event in sent if isinstance(event, Progressed)]
    for moment, _ in told:
        assert sum(moment <= other <= moment + 1.0 for other, _ in told) <= 5
    assert [event.stage for _, event in told] == sorted((event.stage for _, event in told), key=STAGES.index)
    assert {event.stage for _, event in told} == {event.stage for event in said}
    assert sent[-1][1] == ended()
    if said:
        assert told[-1][1] == said[-1]
