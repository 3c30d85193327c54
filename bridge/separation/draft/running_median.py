"""Running sum and median of a spectrogram along one axis, in a few whole-array operations.

Uses numpy only: importing scipy's filters takes longer than separating a short clip. The median is approximated by the
remedian, a median of medians of medians (Rousseeuw and Bassett, "The remedian", 1990). For values without gaps, such as
the ridges of tones and hits, it finds the same majority as the true median, up to a few neighbours at the edges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Mask = npt.NDArray[np.float32]

ALONG_FREQUENCY, ALONG_TIME = 0, 1
#: Filter widths of the remedian → the widths of its nested medians, innermost first. 7 fills the widest gap among the
#: small widths, where one bin more or less decides whether a tone's main lobe is the majority.
FILTER_WIDTHS: dict[int, tuple[int, ...]] = {
    **{3**threes * 5**fives: (3,) * threes + (5,) * fives for threes in range(6) for fives in range(3)},
    7: (7,),
}


def nearest_filter_width(width: float) -> int:
    """The key of `FILTER_WIDTHS` that is nearest to `width` by ratio."""
    return min(FILTER_WIDTHS, key=lambda known: max(known / width, width / known))


def running_median(level: Mask, width: int, axis: int) -> Mask:
    """The remedian over `width` neighbours (a key of `FILTER_WIDTHS`), mirrored at the ends. Same shape as `level`."""
    smooth = _mirror_padded(level, width // 2, axis)
    stride = 1
    for count in FILTER_WIDTHS[width]:
        shifted = [_shifted(smooth, step * stride, (count - 1) * stride, axis) for step in range(count)]
        smooth = _median(shifted)
        stride *= count
    return smooth


def running_sum(level: Mask, width: int, axis: int) -> Mask:
    """The sum of `width` neighbours (a key of `FILTER_WIDTHS`), mirrored at the ends. Same shape as `level`."""
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
    """`level` from index `start` on, shortened by `less`."""
    stop = level.shape[axis] - less + start
    return level[start:stop] if axis == ALONG_FREQUENCY else level[:, start:stop]


def _median(levels: list[Mask]) -> Mask:
    """The elementwise median of an odd number of arrays. Min/max of whole arrays is faster than sorting elements."""
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
    """Compares two pairs: the lowest of their minima and the highest of their maxima cannot be the median."""
    low = np.maximum(np.minimum(a, b), np.minimum(c, d))
    high = np.minimum(np.maximum(a, b), np.maximum(c, d))
    return _median_of_three(low, high, e)
