"""Peaks: the same as scipy's, which the bridge itself does without."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.dsp.peaks import find_peaks

#: Few different heights, so that plateaus, equal maxima and ties at an edge are common.
courses = st.lists(st.integers(0, 6), max_size=60)


@given(courses, st.integers(0, 5), st.integers(1, 9))
@example([], 0, 1)
@example([3], 0, 1)
@example([1, 1, 1], 0, 1)
@example([0, 2, 2, 2, 2, 0, 2, 0], 0, 5)
def test_the_same_peaks_as_scipy(course: list[int], height: int, distance: int) -> None:
    values = np.array(course, np.float64)
    expected, _ = scipy.signal.find_peaks(values, height=height, distance=distance)
    # Of equal maxima that lie too near, scipy leaves open which counts; heights that differ by a hair decide it.
    hairs = values + np.arange(len(values)) * 1e-9 * (distance > 1)
    if distance > 1:
        expected, _ = scipy.signal.find_peaks(hairs, height=height, distance=distance)
    np.testing.assert_array_equal(find_peaks(hairs, height=height, distance=distance), expected)


@given(courses, st.integers(1, 6))
def test_the_same_prominent_peaks_as_scipy(course: list[int], prominence: int) -> None:
    values = np.array(course, np.float64)
    expected, _ = scipy.signal.find_peaks(values, prominence=prominence)
    np.testing.assert_array_equal(find_peaks(values, prominence=prominence), expected)


@pytest.mark.parametrize(("course", "peaks"), [((0, 1, 0), [1]), ((0, 1, 1, 0), [1]), ((1, 0, 1), []), ((0, 1, 1), [])])
def test_a_peak_has_lower_ground_on_both_sides(course: tuple[int, ...], peaks: list[int]) -> None:
    assert find_peaks(np.array(course, np.float32)).tolist() == peaks


def test_of_equal_peaks_that_lie_too_near_the_later_counts() -> None:
    assert find_peaks(np.array([0, 2, 0, 2, 0], np.float32), distance=3).tolist() == [3]
