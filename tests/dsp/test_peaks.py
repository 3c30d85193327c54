"""Peaks: compared with scipy's, which the bridge itself does not import."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.dsp.peaks import find_peaks

#: Few different heights, so that plateaus, equal maxima and ties at an edge are common.
height_lists = st.lists(st.integers(0, 6), max_size=60)


@given(height_lists, st.integers(0, 5), st.integers(1, 9))
@example([], 0, 1)
@example([3], 0, 1)
@example([1, 1, 1], 0, 1)
@example([0, 2, 2, 2, 2, 0, 2, 0], 0, 5)
def test_the_same_peaks_as_scipy(heights: list[int], height: int, distance: int) -> None:
    values = np.array(heights, np.float64)
    expected, _ = scipy.signal.find_peaks(values, height=height, distance=distance)
    # scipy does not specify which of several equal maxima counts; tiny differences in height decide it.
    tilted = values + np.arange(len(values)) * 1e-9 * (distance > 1)
    if distance > 1:
        expected, _ = scipy.signal.find_peaks(tilted, height=height, distance=distance)
    np.testing.assert_array_equal(find_peaks(tilted, height=height, distance=distance), expected)


@given(height_lists, st.integers(1, 6))
def test_the_same_prominent_peaks_as_scipy(heights: list[int], prominence: int) -> None:
    values = np.array(heights, np.float64)
    expected, _ = scipy.signal.find_peaks(values, prominence=prominence)
    np.testing.assert_array_equal(find_peaks(values, prominence=prominence), expected)


@pytest.mark.parametrize(
    ("heights", "peaks"), [((0, 1, 0), [1]), ((0, 1, 1, 0), [1]), ((1, 0, 1), []), ((0, 1, 1), [])]
)
def test_a_peak_has_lower_ground_on_both_sides(heights: tuple[int, ...], peaks: list[int]) -> None:
    assert find_peaks(np.array(heights, np.float32)).tolist() == peaks


def test_of_equal_peaks_that_lie_too_near_the_later_counts() -> None:
    assert find_peaks(np.array([0, 2, 0, 2, 0], np.float32), distance=3).tolist() == [3]
