"""The waveform of a stem in one line of block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from bridge.protocols.reading import PEAK_SPANS

#: Parts of equal length that a clip's peaks are read for: as many as a wide screen has cells.
PARTS = 240
_HEIGHTS = "▁▂▃▄▅▆▇"  # without the highest, so that stems below each other stay apart
#: What each height is louder than the one below; the highest one reaches full scale.
_STEP_DB = 6.0


def waveform(peaks: Sequence[float], cells: int) -> tuple[str, str]:
    """The part that is known and the rest, as `cells` cells for a whole clip.

    Args:
        peaks: the highest magnitude of each part that is known, of `PARTS` in a clip; full scale is 1.
    """
    known = min(len(peaks), PARTS) * cells // PARTS
    drawn = ""
    for cell in range(known):
        first, end = cell * PARTS // cells, (cell + 1) * PARTS // cells
        drawn += _height(max(peaks[first : max(end, first + 1)]))
    return drawn, " " * (cells - known)


def envelope(peaks: bytes, cells: int) -> tuple[str, str]:
    """The part that is known and the rest, of peaks as a `StemView` has them.

    A cell is its peaks' mean, in equal steps up to the loudest cell: in music that is mastered loud, nearly every
    stretch of some seconds has a peak close to full scale, and a row of them says nothing.
    """
    known = min(len(peaks), PEAK_SPANS) * cells // PEAK_SPANS if cells > 0 else 0
    spans = ((cell * PEAK_SPANS // cells, (cell + 1) * PEAK_SPANS // cells) for cell in range(known))
    means = [fmean(peaks[first : max(end, first + 1)]) for first, end in spans]
    loudest = max(means, default=0.0)
    drawn = "".join(_HEIGHTS[max(1, math.ceil(mean / loudest * len(_HEIGHTS))) - 1] if mean else " " for mean in means)
    return drawn, " " * max(0, cells - known)


def _height(peak: float) -> str:
    """A blank for silence."""
    if not peak > 0:
        return " "
    place = len(_HEIGHTS) + math.ceil(20 * math.log10(peak) / _STEP_DB)
    return _HEIGHTS[max(1, min(place, len(_HEIGHTS))) - 1]


def waveform_of(peaks: bytes, cells: int) -> str:
    """A whole clip as `cells` cells, in equal steps of level; `peaks` as of `Bridge.outline`."""
    if not peaks:
        return " " * cells
    drawn = ""
    for cell in range(cells):
        first, end = cell * len(peaks) // cells, (cell + 1) * len(peaks) // cells
        level = max(peaks[first : max(end, first + 1)])
        drawn += _HEIGHTS[min(level * len(_HEIGHTS) // 256, len(_HEIGHTS) - 1)] if level else " "
    return drawn
