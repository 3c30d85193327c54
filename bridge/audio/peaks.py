"""The waveform of a stem as a few numbers, gathered while its samples pass by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.protocols.reading import PEAK_SPANS

if TYPE_CHECKING:
    from bridge.protocols import Samples

SPANS = PEAK_SPANS
#: Full scale; louder samples are shown like it.
FULL_SCALE = 255
BLOCK_FRAMES = 1 << 16


class Peaks:
    """The largest magnitude of each span of a clip of `frames` frames."""

    def __init__(self, frames: int) -> None:
        self._bounds = np.arange(1, SPANS + 1, dtype=np.int64) * frames // SPANS
        """The frame at which each span ends."""
        self._highest = np.zeros(SPANS, np.float32)
        self._frames = 0

    def append(self, block: Samples) -> None:
        """The next frames: float32 (frames, channels). What exceeds the clip's length is ignored."""
        if not len(block):
            return
        loudest = np.abs(block).max(axis=1)
        first = int(np.searchsorted(self._bounds, self._frames, side="right"))
        last = int(np.searchsorted(self._bounds, self._frames + len(block) - 1, side="right"))
        if first < SPANS:
            ends = self._bounds[first : min(last, SPANS - 1)] - self._frames
            starts = np.unique(np.concatenate(([0], ends))).astype(np.int64)
            spans = np.searchsorted(self._bounds, self._frames + starts, side="right")
            inside = spans < SPANS
            highest = np.maximum.reduceat(loudest, starts)[inside]
            np.maximum.at(self._highest, spans[inside], highest)
        self._frames += len(block)

    def known(self) -> bytes:
        """The spans that are complete, each 0–255 for 0–1 of full scale."""
        complete = int(np.searchsorted(self._bounds, self._frames, side="right"))
        return np.rint(np.clip(self._highest[:complete], 0.0, 1.0) * FULL_SCALE).astype(np.uint8).tobytes()
