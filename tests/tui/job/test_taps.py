"""A tempo that is tapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.screens.job.taps import LEAST_TAPS, MOST_TAPS, Taps


def tapped(*times: float) -> Taps:
    taps = Taps()
    for time in times:
        taps = taps.and_at(time)
    return taps


@pytest.mark.parametrize(
    ("times", "bpm"),
    [
        ((), None),
        ((0.0, 0.5), None),
        ((0.0, 0.5, 1.0), 120.0),
        ((0.0, 0.5, 1.0, 1.7, 2.2, 2.7), 120.0),
        ((0.0, 0.5, 10.0), None),
        ((0.0, 0.5, 10.0, 10.6, 11.2), 100.0),
        ((1.0, 1.0, 1.0), None),
        ((0.0, 0.01, 0.02), 400.0),
    ],
    ids=["none", "too few", "even", "one slips", "a pause begins anew", "after a pause", "at once", "too fast"],
)
def test_the_tempo_of_taps(times: tuple[float, ...], bpm: float | None) -> None:
    assert tapped(*times).bpm == bpm


@given(st.floats(20, 400), st.integers(LEAST_TAPS, 30))
def test_even_taps_give_their_tempo(bpm: float, count: int) -> None:
    taps = tapped(*(place * 60 / bpm for place in range(count)))
    assert taps.bpm == pytest.approx(bpm, abs=0.06)
    assert len(taps.times) <= MOST_TAPS
