"""Local maxima, by the rules of `scipy.signal.find_peaks`, whose import takes longer than processing a clip.

A maximum is higher than its neighbours; on a plateau the middle counts (the earlier of two). The first and the last
value are never maxima.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Indices

Values: TypeAlias = npt.NDArray[np.floating[Any]]


def find_peaks(values: Values, height: float = -np.inf, distance: int = 1, prominence: float = 0.0) -> Indices:
    """The indices of the maxima of (values,), in order.

    Args:
        height: least height of a maximum.
        distance: of two maxima closer than this, the higher one counts; of equal ones the later.
        prominence: least height of a maximum above the higher of its two bases: the minima between it and the nearest
            higher value (or the end) on either side.
    """
    if len(values) < 3:
        return np.zeros(0, np.intp)
    ends = np.append(np.flatnonzero(np.diff(values)), len(values) - 1)  # the last index of every run of equal values
    heights = values[ends]
    higher = np.diff(heights) > 0
    tops = np.flatnonzero(higher[:-1] & ~higher[1:]) + 1
    tops = tops[heights[tops] >= height]
    indices: Indices = (ends[tops - 1] + 1 + ends[tops]) // 2
    if distance > 1:
        chosen = _far_enough(indices, heights[tops], distance)
        tops, indices = tops[chosen], indices[chosen]
    if prominence > 0.0:
        indices = indices[_prominences(heights, tops) >= prominence]
    return indices


def _far_enough(indices: Indices, heights: Values, distance: int) -> npt.NDArray[np.bool_]:
    """Which maxima are at least `distance` away from every higher one that counts."""
    kept = np.ones(len(indices), np.bool_)
    near_from = np.searchsorted(indices, indices - distance, side="right").tolist()
    near_to = np.searchsorted(indices, indices + distance, side="left").tolist()
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
    """For each height, the lowest one since the last that was higher, or since the start."""
    lowest: list[float] = []
    descending: list[tuple[float, float]] = []  # (height, lowest since the entry before); no later height is higher
    for height in heights:
        bottom = height
        while descending and descending[-1][0] <= height:
            bottom = min(bottom, descending.pop()[1])
        descending.append((height, bottom))
        lowest.append(bottom)
    return np.array(lowest)
