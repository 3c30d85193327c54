"""Overlap-add in a stream: which windows of a mix a model sees, and how its estimates join without a seam.

The arithmetic is that of `demucs.apply.apply_model` (shifts=0, split=True, transition_power=1), so the result is the
same, with one exception: no window is computed whose frames the one before already covers. And frames leave as soon
as no later window can change them, instead of when the whole track is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: Share of a window that the next one covers too; what the models' published figures were measured with.
OVERLAP = 0.25


@dataclass(frozen=True)
class Window:
    """One stretch of the mix, and the longer stretch of real audio around it that the model is shown.

    All in frames. `read_start` to `read_stop` is the audio that exists; `pad_left` and `pad_right` are zeros beyond
    the ends of the mix. The estimate's frames from `trim_left` on belong to `start … stop`.
    """

    start: int
    stop: int
    read_start: int
    read_stop: int
    pad_left: int
    pad_right: int
    trim_left: int


def stride_frames(segment_frames: int, overlap: float = OVERLAP) -> int:
    """How far each window lies after the one before."""
    return int((1 - overlap) * segment_frames)


def window_starts(frames: int, segment_frames: int, overlap: float = OVERLAP, *, stock: bool = False) -> range:
    """First frame of every window, of which the last is the first that reaches the end.

    With `stock` as demucs plans them: a last one may lie wholly inside the one before, which makes a clip of a
    window's length cost two.
    """
    stride = stride_frames(segment_frames, overlap)
    return range(0, frames if stock else max(1, frames - segment_frames + stride), stride)


def window_with_context(start: int, stop: int, input_frames: int, frames: int) -> Window:
    """The window `start … stop` of a mix of `frames`, centred in `input_frames` (≥ stop - start) of what lies around.

    A short last window is thereby filled up with the real audio before it, not with silence.
    """
    extra = input_frames - (stop - start)
    first = start - extra // 2
    last = first + input_frames
    read_start, read_stop = max(0, first), min(frames, last)
    return Window(start, stop, read_start, read_stop, read_start - first, last - read_stop, extra // 2)


def crossfade(segment_frames: int) -> npt.NDArray[np.float32]:
    """Triangular weight of a window's frames, 0 < w ≤ 1: float32 (segment_frames,)."""
    half = segment_frames // 2
    rise = np.arange(1, half + 1, dtype=np.float32)
    fall = np.arange(segment_frames - half, 0, -1, dtype=np.float32)
    weight: npt.NDArray[np.float32] = np.concatenate([rise, fall]) / np.float32(segment_frames - half)
    return weight


class OverlapAdd:
    """Joins the overlapping estimates of one model; holds only the frames that are not yet taken."""

    def __init__(self, segment_frames: int) -> None:
        self._weight = crossfade(segment_frames)
        self._first = 0  # the mix frame that the first pending frame stands for
        self._sum: npt.NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)
        self._weights: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def add(self, start: int, estimate: npt.NDArray[np.float32]) -> None:
        """Adds the estimate of the window that begins at frame `start`: float32 (stems, channels, frames)."""
        count = estimate.shape[-1]
        begin = start - self._first
        missing = begin + count - len(self._weights)
        if missing > 0:
            pending = self._sum if self._sum.size else np.zeros((*estimate.shape[:2], len(self._weights)), np.float32)
            self._sum = np.concatenate([pending, np.zeros((*estimate.shape[:2], missing), np.float32)], axis=-1)
            self._weights = np.concatenate([self._weights, np.zeros(missing, np.float32)])
        self._sum[..., begin : begin + count] += self._weight[:count] * estimate
        self._weights[begin : begin + count] += self._weight[:count]

    def take(self, stop: int) -> npt.NDArray[np.float32]:
        """Gives away the frames from the last `take` up to `stop`: float32 (stems, channels, frames)."""
        count = stop - self._first
        done: npt.NDArray[np.float32] = self._sum[..., :count] / self._weights[:count]
        self._sum = self._sum[..., count:].copy()
        self._weights = self._weights[count:].copy()
        self._first = stop
        return done
