from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
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
    clock, events = FakeClock(), list[Progressed]()
    return JobProgress("a", clock, events.append), clock, events


def play(actual: dict[Stage, float], expected: dict[Stage, float], step_seconds: float = 0.5) -> list[Progressed]:
    """The events of a job whose stages take `actual` seconds, advanced twice a second, after loading for two."""
    progress, clock, events = make()
    progress.enter("loading")
    clock.advance(2)
    progress.expect(expected)
    for stage, seconds in actual.items():
        progress.enter(stage)
        steps = max(1, round(seconds / step_seconds))
        for number in range(1, steps + 1):
            clock.advance(seconds / steps)
            progress.advance(number / steps)
    return events


def rises_in(events: list[Progressed]) -> list[float]:
    """Every remaining time that is larger than the one before it."""
    left = [event.eta_seconds for event in events if event.eta_seconds is not None]
    return [later for earlier, later in itertools.pairwise(left) if later > earlier]


def test_the_bar_never_falls_and_ends_full() -> None:
    progress, clock, events = make()
    for stage in ("loading", "separating", "transcribing", "writing"):
        progress.enter(stage)
        if stage == "loading":
            progress.expect(EXPECTED)
        for fraction in (0.2, 0.9, 0.5, 1.0):
            clock.advance(1)
            progress.advance(fraction)
    bar = [event.fraction for event in events]
    assert bar == sorted(bar)
    assert bar[-1] == 1.0


def test_each_stage_has_its_share_of_the_expected_time_on_the_bar() -> None:
    events = play(EXPECTED, EXPECTED)
    begins = {event.stage: event.fraction for event in reversed(events)}
    assert begins == pytest.approx({"loading": 0.0, "separating": 0.0, "transcribing": 0.25, "writing": 0.875})


def test_work_at_the_expected_pace_has_an_exact_remaining_time() -> None:
    events = play(EXPECTED, EXPECTED)
    assert events[0].eta_seconds is None
    left = [event.eta_seconds for event in events if event.eta_seconds is not None]
    assert (left[0], left[-1], len(left)) == (40.0, 0.0, len(events) - 1)
    assert all(0.0 <= earlier - later <= 0.5 + 1e-6 for earlier, later in itertools.pairwise(left))


@pytest.mark.parametrize("factor", [0.05, 0.5, 1.1, 1.2])
def test_the_remaining_time_never_rises_if_the_work_is_faster_or_slightly_slower(factor: float) -> None:
    events = play({stage: seconds * factor for stage, seconds in EXPECTED.items()}, EXPECTED)
    assert rises_in(events) == []
    assert events[-1].eta_seconds == 0.0
    assert not any(event.is_slower for event in events)


def test_for_much_slower_work_the_remaining_time_rises_early_and_then_falls() -> None:
    events = play({stage: seconds * 4 for stage, seconds in EXPECTED.items()}, EXPECTED)
    rises = rises_in(events)
    assert 1 <= len(rises) <= 8
    assert next(event.is_slower for event in events if event.eta_seconds == rises[0])
    assert events[-1].is_slower
    late = [event for event in events if event.stage != "separating"]
    assert rises_in(late) == [], "the slowness is known by then"


@given(
    st.fixed_dictionaries({stage: st.floats(0.0, 600.0) for stage in EXPECTED}),
    st.fixed_dictionaries({stage: st.floats(0.0, 600.0) for stage in EXPECTED}),
)
def test_any_rise_exceeds_the_tolerance(actual: dict[Stage, float], expected: dict[Stage, float]) -> None:
    events = play(actual, expected, step_seconds=5.0)
    bar = [event.fraction for event in events]
    assert bar == sorted(bar)
    left = [event.eta_seconds for event in events]
    known = [seconds for seconds in left if seconds is not None]
    assert len(known) >= len(left) - 1, "once set, it stays set"
    for earlier, later in itertools.pairwise(known):
        assert later <= earlier or later > earlier * TOLERANCE + TOLERANCE_SECONDS


def test_before_the_expectation_is_set_there_is_no_remaining_time() -> None:
    progress, clock, events = make()
    progress.enter("loading")
    clock.advance(2)
    progress.advance(0.5)
    assert [event.eta_seconds for event in events] == [None, None]


def record(paces: StagePaces, clock: FakeClock, work: str, took_seconds: float, audio_seconds: float) -> None:
    began = clock.monotonic_seconds()
    clock.advance(took_seconds)
    paces.record(work, began, audio_seconds)


def test_a_pace_is_measured_and_the_newest_measurement_counts_most(tmp_path: Path) -> None:
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    assert paces.seconds("separating draft cpu", 10.0) == 10.0 * UNMEASURED["separating draft"]
    for actual in (20.0, 20.0, 60.0):
        record(paces, clock, "separating draft cpu", actual, audio_seconds=10.0)
    assert paces.seconds("separating draft cpu", 10.0) == 40.0
    assert StagePaces.kept_in(tmp_path, clock).seconds("separating draft cpu", 5.0) == 20.0
    assert paces.seconds("separating htdemucs cpu", 1.0) == UNMEASURED["separating"]


def test_a_block_is_measured_unless_it_fails(tmp_path: Path) -> None:
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    with suppress(MemoryError), paces.measured("writing", 10.0):
        raise MemoryError
    assert paces.seconds("writing", 10.0) == 10.0 * UNMEASURED["writing"]
    with paces.measured("writing", 10.0):
        clock.advance(20.0)
    assert paces.seconds("writing", 10.0) == 20.0


def test_a_short_clip_is_not_measured(tmp_path: Path) -> None:
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    record(paces, clock, "writing", 3.0, audio_seconds=1.0)
    assert not (tmp_path / "pace.json").exists()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "not there": lambda _: None,
    "a folder": lambda path: path.mkdir(),
    "not JSON": lambda path: path.write_bytes(b"\xff{"),
    "deep": lambda path: path.write_bytes(b'{"a":' * 5000),
    "not possible": lambda path: path.write_text('{"writing": -5.0}'),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_of_paces_counts_as_empty(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    damage(tmp_path / "pace.json")
    clock = FakeClock()
    paces = StagePaces.kept_in(tmp_path, clock)
    assert paces.seconds("writing", 1.0) == UNMEASURED["writing"]
    record(paces, clock, "writing", 60.0, audio_seconds=60.0)
    assert paces.seconds("writing", 1.0) == 1.0
