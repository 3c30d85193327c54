from __future__ import annotations

from itertools import pairwise
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Progressed
from bridge.model import Stage
from bridge.pipeline.progress import JobProgress
from tests.support.fakes import FakeClock

STAGES: tuple[Stage, ...] = get_args(Stage)[1:]  # the event of `queued` is made of `Submitted`


def test_the_first_progress_of_a_stage_is_sent_at_once_and_the_next_after_a_pause() -> None:
    clock, sent = FakeClock(), list[Progressed]()
    progress = JobProgress("j1", clock, sent.append)
    progress.enter("separating")
    for percent in range(10):
        progress.advance(percent / 100)
    assert [event.fraction for event in sent] == [0.0]
    clock.advance(0.5)
    progress.advance(0.3)
    assert len(sent) == 2


def test_changes_of_stage_are_sent_at_once() -> None:
    sent = list[Progressed]()
    progress = JobProgress("j1", FakeClock(), sent.append)
    for stage in STAGES:
        progress.enter(stage)
    assert [event.stage for event in sent] == list(STAGES)


def test_within_a_stage_progress_is_sent_at_an_even_pace() -> None:
    clock, sent = FakeClock(), list[float]()
    progress = JobProgress("j1", clock, lambda _: sent.append(clock.now))
    progress.enter("separating")
    for step in range(1000):
        clock.advance(0.01)
        progress.advance(step / 1000)
    pauses = [later - earlier for earlier, later in pairwise(sent)]
    assert 2 <= len(sent) / 10 <= 5
    after_a_second = pauses[2:]
    assert max(after_a_second) - min(after_a_second) < 0.05


@given(st.lists(st.tuples(st.floats(0, 0.4), st.integers(0, 1)), max_size=80), st.floats(0, 0.2))
def test_at_most_five_a_second_without_losing_a_stage_or_the_order(
    steps: list[tuple[float, int]], delay: float
) -> None:
    """Counted at a receiver whose messages arrive up to `delay` late, the first, of `Submitted`, included."""
    clock = FakeClock()
    received = [clock.now]
    sent: list[Progressed] = []

    def emit(event: Progressed) -> None:
        sent.append(event)
        received.append(clock.now + delay * (len(sent) % 2))

    progress = JobProgress("j1", clock, emit)
    stage = 0
    progress.enter(STAGES[stage])
    for number, (pause, advance) in enumerate(steps):
        clock.advance(pause)
        if advance and stage < len(STAGES) - 1:
            stage += 1
            progress.enter(STAGES[stage])
        else:
            progress.advance(number / 100)
    for moment in received:
        assert sum(moment <= other <= moment + 1.0 for other in received) <= 5
    assert [event.fraction for event in sent] == sorted(event.fraction for event in sent)
    assert list(dict.fromkeys(event.stage for event in sent)) == list(STAGES[: stage + 1])
