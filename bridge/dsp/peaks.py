"""Local maxima of a course of values, by the rules of `scipy.signal.find_peaks`, whose import takes longer than a clip.

A maximum is higher than what comes before and after it; of one that holds its height, the middle counts (the earlier
of two middles). The first and the last value are none.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Indices

Values: TypeAlias = npt.NDArray[np.floating[Any]]


def find_peaks(values: Values, height: float = -np.inf, distance: int = 1, prominence: float = 0.0) -> Indices:
    """Where the maxima of (values,) lie, in order.

    Args:
        height: the least that counts.
        distance: of two maxima that lie less than so far apart, the higher one counts, of equal ones the later.
        prominence: by how much a maximum must stand out: how far one has to descend from it, at least, on the way to
            higher ground or to an end on either side.
    """
    if len(values) < 3:
        return np.zeros(0, np.intp)
    held = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # the last place of every stretch of one height
    heights = values[held]
    higher = np.diff(heights) > 0
    tops = np.flatnonzero(higher[:-1] & ~higher[1:]) + 1
    tops = tops[heights[tops] >= height]
    places: Indices = (held[tops - 1] + 1 + held[tops]) // 2
    if distance > 1:
        chosen = _apart(places, heights[tops], distance)
        tops, places = tops[chosen], places[chosen]
    if prominence > 0.0:
        places = places[_prominences(heights, tops) >= prominence]
    return places


def _apart(places: Indices, heights: Values, distance: int) -> npt.NDArray[np.bool_]:
    """Which of the maxima count that keep their distance from higher ones."""
    kept = np.ones(len(places), np.bool_)
    near_from = np.searchsorted(places, places - distance, side="right").tolist()
    near_to = np.searchsorted(places, places + distance, side="left").tolist()
    for index in np.argsort(heights, kind="stable")[::-1].tolist():
        if kept[index]:
            kept[near_from[index] : index] = False
            kept[index + 1 : near_to[index]] = False
    return kept


def _prominences(heights: Values, tops: Indices) -> Values:
    before = _lowest_since_higher(heights.tolist())
    after = _lowest_since_higher(heights[::-1].tolist())[::-1]
    return np.asarray(heights[tops] - np.maximum(before[tops], after[tops]))


def _lowest_since_higher(heights: list[float]) -> Values:
    """For each height the lowest one between it and the last that was higher, or the start."""
    lowest: list[float] = []
    descending: list[tuple[float, float]] = []  # heights that are still in sight, with the lowest since the one before
    for height in heights:
        bottom = height
        while descending and descending[-1][0] <= height:
            bottom = min(bottom, descending.pop()[1])
        descending.append((height, bottom))
        lowest.append(bottom)
    return np.array(lowest)
