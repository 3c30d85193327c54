"""Running statistics of a spectrogram along one of its axes, by a handful of whole-array operations.

numpy alone: importing scipy's filters takes longer than separating a short clip. The median is the remedian, a median
of medians of medians (Rousseeuw and Bassett, "The remedian", 1990). Of what fills a stretch of time or frequency
without gaps, as ridges do, it sees the same majority as the median itself, give or take a few neighbours at the edge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.float32]

ALONG_FREQUENCY, ALONG_TIME = 0, 1
#: Extents that the remedian has, and the medians that each is made of, the innermost first. 7 fills the widest gap
#: among the small ones, where a bin more or less decides whether a tone's main lobe is the majority.
FILTER_WIDTHS: dict[int, tuple[int, ...]] = {
    **{3**threes * 5**fives: (3,) * threes + (5,) * fives for threes in range(6) for fives in range(3)},
    7: (7,),
}


def nearest_filter_width(width: float) -> int:
    """The width of `FILTER_WIDTHS` that is nearest by ratio."""
    return min(FILTER_WIDTHS, key=lambda known: max(known / width, width / known))


def running_median(level: Mask, width: int, axis: int) -> Mask:
    """The remedian of `width` (of `FILTER_WIDTHS`) neighbours; the ends are mirrored. Same shape as `level`."""
    smooth = _mirror_padded(level, width // 2, axis)
    stride = 1
    for count in FILTER_WIDTHS[width]:
        shifted = [_shifted(smooth, step * stride, (count - 1) * stride, axis) for step in range(count)]
        smooth = _median(shifted)
        stride *= count
    return smooth


def running_sum(level: Mask, width: int, axis: int) -> Mask:
    """The sum of `width` (of `FILTER_WIDTHS`) neighbours; the ends are mirrored. Same shape as `level`."""
    smooth = _mirror_padded(level, width // 2, axis)
    stride = 1
    for count in FILTER_WIDTHS[width]:
        whole, smooth = smooth, _shifted(smooth, 0, (count - 1) * stride, axis).copy()
        for step in range(1, count):
            smooth += _shifted(whole, step * stride, (count - 1) * stride, axis)
        stride *= count
    return smooth


def _mirror_padded(level: Mask, margin: int, axis: int) -> Mask:
    return np.pad(level, [(margin, margin) if each == axis else (0, 0) for each in (0, 1)], mode="symmetric")


def _shifted(level: Mask, start: int, less: int, axis: int) -> Mask:
    """`level` from `start` on, `less` shorter than it is."""
    stop = level.shape[axis] - less + start
    return level[start:stop] if axis == ALONG_FREQUENCY else level[:, start:stop]


def _median(levels: list[Mask]) -> Mask:
    """Element by element, of an odd number of arrays. Whole arrays exchanged are faster than elements sorted."""
    if len(levels) == 3:
        return _median_of_three(*levels)
    if len(levels) == 5:
        return _median_of_five(*levels)
    middle = len(levels) // 2
    smooth: Mask = np.partition(np.stack(levels), middle, axis=0)[middle]
    return smooth


def _median_of_three(a: Mask, b: Mask, c: Mask) -> Mask:
    low, high = np.minimum(a, b), np.maximum(a, b)
    np.minimum(high, c, out=high)
    return np.maximum(low, high, out=high)


def _median_of_five(a: Mask, b: Mask, c: Mask, d: Mask, e: Mask) -> Mask:
    """Neither the lower of the two lower ones of two pairs nor the higher of the two higher ones is the median."""
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(low, high, e)
