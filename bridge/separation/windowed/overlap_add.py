"""Streaming overlap-add: the windows of a mix, and the cross-fade of their estimates.

The arithmetic is that of `demucs.apply.apply_model` (shifts=0, split=True, transition_power=1), and so is the result,
with one exception: a last window that lies entirely inside the previous one is not computed. Unlike in demucs, frames
are returned as soon as no later window can change them, not at the end of the track.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

#: Overlap of consecutive windows, as a fraction of a window. The models' published scores were measured with it.
OVERLAP = 0.25


@dataclass(frozen=True)
class Window:
    """A window of the mix, and the longer model input around it.

    All in frames. The input is `read_start` to `read_stop` of the mix, plus `pad_left` and `pad_right` zeros beyond its
    ends. In the estimate, the frames of `start` to `stop` begin at `trim_left`.
    """

    start: int
    stop: int
    read_start: int
    read_stop: int
    pad_left: int
    pad_right: int
    trim_left: int


def stride_frames(window_frames: int, overlap: float = OVERLAP) -> int:
    """The distance between consecutive window starts."""
    return int((1 - overlap) * window_frames)


def window_starts(frames: int, window_frames: int, overlap: float = OVERLAP, *, stock: bool = False) -> range:
    """The first frame of every window, up to the first window that reaches the end of the mix.

    With `stock`, as demucs does: the last window may lie entirely inside the previous one, so that a clip of one window
    length takes two windows.
    """
    stride = stride_frames(window_frames, overlap)
    return range(0, frames if stock else max(1, frames - window_frames + stride), stride)


def window_with_context(start: int, stop: int, input_frames: int, frames: int) -> Window:
    """The window `start` to `stop` of a mix of `frames`, centred in an input of `input_frames` (≥ stop - start).

    A short last window is thus extended by the audio before it, not by silence.
    """
    extra = input_frames - (stop - start)
    first = start - extra // 2
    last = first + input_frames
    read_start, read_stop = max(0, first), min(frames, last)
    return Window(start, stop, read_start, read_stop, read_start - first, last - read_stop, extra // 2)


def crossfade(window_frames: int) -> npt.NDArray[np.float32]:
    """Triangular window, 0 < w ≤ 1: float32 (window_frames,)."""
    half = window_frames // 2
    rise = np.arange(1, half + 1, dtype=np.float32)
    fall = np.arange(window_frames - half, 0, -1, dtype=np.float32)
    weight: npt.NDArray[np.float32] = np.concatenate([rise, fall]) / np.float32(window_frames - half)
    return weight


class OverlapAdd:
    """Adds the overlapping estimates of one model; stores only the frames that have not been taken yet."""

    def __init__(self, window_frames: int) -> None:
        self._weight = crossfade(window_frames)
        self._first = 0  # the mix frame of the first stored frame
        self._sum: npt.NDArray[np.float32] = np.zeros((0, 0, 0), np.float32)
        self._weights: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def add(self, start: int, estimate: npt.NDArray[np.float32]) -> None:
        """Adds the estimate of the window that starts at frame `start`: float32 (stems, channels, frames)."""
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
        """Returns and drops the frames from the last `take` up to `stop`: float32 (stems, channels, frames)."""
        count = stop - self._first
        done: npt.NDArray[np.float32] = self._sum[..., :count] / self._weights[:count]
        self._sum = self._sum[..., count:].copy()
        self._weights = self._weights[count:].copy()
        self._first = stop
        return done
