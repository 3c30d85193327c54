from bridge.events import Progressed
from bridge.pipeline.progress import JobProgress
from tests.fakes import FakeClock


def make() -> tuple[JobProgress, FakeClock, list[Progressed]]:
    clock, told = FakeClock(), list[Progressed]()
    return JobProgress("a", clock, told.append), clock, told


def test_at_most_five_a_second_but_every_stage() -> None:
    progress, clock, told = make()
    progress.enter("separating")
    for step in range(100):
        clock.turn(0.01)
        progress.advance(step / 100)
    progress.enter("transcribing")
    assert len(told) <= 2 + 5
    assert [told[0].stage, told[-1].stage] == ["separating", "transcribing"]


def test_the_bar_never_falls_and_ends_full() -> None:
    progress, clock, told = make()
    for stage in ("loading", "separating", "transcribing", "writing"):
        progress.enter(stage)
        for fraction in (0.2, 0.9, 0.5, 1.0):
            clock.turn(1)
            progress.advance(fraction)
    bar = [event.fraction for event in told]
    assert bar == sorted(bar)
    assert bar[-1] == 1.0


def test_the_time_left_is_what_this_pace_gives_and_what_comes_after() -> None:
    progress, clock, told = make()
    progress.enter("separating", later_seconds=4.0)
    assert told[-1].eta_seconds is None
    clock.turn(10)
    progress.advance(0.25)
    assert told[-1].eta_seconds == 10 * 3 + 4.0


def test_nothing_is_guessed_from_the_first_step() -> None:
    progress, clock, told = make()
    progress.enter("separating")
    clock.turn(1)
    progress.advance(0.001)
    assert told[-1].eta_seconds is None
