from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Progressed
from bridge.model import Stage
from bridge.pipeline.progress import TOLERANCE, TOLERANCE_SECONDS, JobProgress
from bridge.pipeline.stage_paces import UNMEASURED, StagePaces
from tests.support.fakes import FakeClock

EXPECTED: dict[Stage, float] = {"separating": 10.0, "transcribing": 25.0, "writing": 5.0}


def make() -> tuple[JobProgress, FakeClock, list[Progressed]]:
    clock, told = FakeClock(), list[Progressed]()
    return JobProgress("a", clock, told.append), clock, told


def play(took: dict[Stage, float], expected: dict[Stage, float], step_seconds: float = 0.5) -> list[Progressed]:
    """A job whose stages really take so long, told twice a second."""
    progress, clock, told = make()
    progress.enter("loading")
    progress.expect(expected)
    for stage, seconds in took.items():
        progress.enter(stage)
        steps = max(1, round(seconds / step_seconds))
        for number in range(1, steps + 1):
            clock.turn(seconds / steps)
            progress.advance(number / steps)
    return told


def risen(told: list[Progressed]) -> list[float]:
    """Every time left that is more than the one before it."""
    left = [event.eta_seconds for event in told if event.eta_seconds is not None]
    return [later for earlier, later in itertools.pairwise(left) if later > earlier]


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
        if stage == "loading":
            progress.expect(EXPECTED)
        for fraction in (0.2, 0.9, 0.5, 1.0):
            clock.turn(1)
            progress.advance(fraction)
    bar = [event.fraction for event in told]
    assert bar == sorted(bar)
    assert bar[-1] == 1.0


def test_each_stage_has_the_share_of_the_bar_that_it_takes_of_the_time() -> None:
    told = play(EXPECTED, EXPECTED)
    begins = {event.stage: event.fraction for event in reversed(told)}
    assert begins == pytest.approx({"loading": 0.0, "separating": 0.0, "transcribing": 0.25, "writing": 0.875})


def test_as_expected_the_time_left_is_what_is_left() -> None:
    told = play(EXPECTED, EXPECTED)
    assert told[0].eta_seconds is None
    left = [event.eta_seconds for event in told if event.eta_seconds is not None]
    assert (left[0], left[-1], len(left)) == (40.0, 0.0, len(told) - 1)
    assert all(0.0 <= earlier - later <= 0.5 + 1e-6 for earlier, later in itertools.pairwise(left))


@pytest.mark.parametrize("factor", [0.05, 0.5, 1.1, 1.2])
def test_where_the_work_is_faster_or_hardly_slower_the_time_left_never_rises(factor: float) -> None:
    told = play({stage: seconds * factor for stage, seconds in EXPECTED.items()}, EXPECTED)
    assert risen(told) == []
    assert told[-1].eta_seconds == 0.0
    assert not any(event.is_slower for event in told)


def test_far_slower_work_is_told_at_once_and_then_the_time_left_falls_again() -> None:
    told = play({stage: seconds * 4 for stage, seconds in EXPECTED.items()}, EXPECTED)
    rises = risen(told)
    assert 1 <= len(rises) <= 8
    assert next(event.is_slower for event in told if event.eta_seconds == rises[0])
    assert told[-1].is_slower
    late = [event for event in told if event.stage != "separating"]
    assert risen(late) == [], "by then it is known"


@given(
    st.fixed_dictionaries({stage: st.floats(0.0, 600.0) for stage in EXPECTED}),
    st.fixed_dictionaries({stage: st.floats(0.0, 600.0) for stage in EXPECTED}),
)
def test_whatever_it_takes_a_rise_is_never_a_flicker(took: dict[Stage, float], expected: dict[Stage, float]) -> None:
    told = play(took, expected, step_seconds=5.0)
    bar = [event.fraction for event in told]
    assert bar == sorted(bar)
    left = [event.eta_seconds for event in told]
    known = [seconds for seconds in left if seconds is not None]
    assert len(known) >= len(left) - 1, "once it is known it stays known"
    for earlier, later in itertools.pairwise(known):
        assert later <= earlier or later > earlier * TOLERANCE + TOLERANCE_SECONDS


def test_before_it_is_known_what_there_is_to_do_nothing_is_guessed() -> None:
    progress, clock, told = make()
    progress.enter("loading")
    clock.turn(1)
    progress.advance(0.5)
    assert [event.eta_seconds for event in told] == [None, None]


def noted(paces: StagePaces, clock: FakeClock, work: str, took_seconds: float, audio_seconds: float) -> None:
    began = clock.monotonic_seconds()
    clock.turn(took_seconds)
    paces.note(work, began, audio_seconds)


def test_a_pace_is_what_this_machine_took_the_newest_counting_most(tmp_path: Path) -> None:
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    assert paces.seconds("separating draft cpu", 10.0) == 10.0 * UNMEASURED["separating draft"]
    for took in (20.0, 20.0, 60.0):
        noted(paces, clock, "separating draft cpu", took, audio_seconds=10.0)
    assert paces.seconds("separating draft cpu", 10.0) == 40.0
    assert StagePaces.kept_in(tmp_path, clock).seconds("separating draft cpu", 5.0) == 20.0
    assert paces.seconds("separating htdemucs cpu", 1.0) == UNMEASURED["separating"]


def test_a_short_clip_says_nothing_about_pace(tmp_path: Path) -> None:
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    noted(paces, clock, "writing", 3.0, audio_seconds=1.0)
    assert not (tmp_path / "pace.json").exists()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "not there": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "no JSON": lambda path: path.write_bytes(b"\xff{"),
    "deep": lambda path: path.write_bytes(b'{"a":' * 5000),
    "not possible": lambda path: path.write_text('{"writing": -5.0}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_file_of_paces_that_is_damaged_costs_only_the_guess(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(tmp_path / "pace.json")
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    assert paces.seconds("writing", 1.0) == UNMEASURED["writing"]
    noted(paces, clock, "writing", 60.0, audio_seconds=60.0)
    assert paces.seconds("writing", 1.0) == 1.0
