"""Audio on its way: plain floats in a file of the job's own, written once from start to end, then read anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.signal import RawSignal

if TYPE_CHECKING:
    from bridge.protocols import Samples

BYTES_PER_SAMPLE = 4


class Scratch:
    """float32 samples in a raw file, and how far they swing."""

    def __init__(self, path: Path, channels: int, sample_rate_hz: int) -> None:
        self.path = path
        self.frames = 0
        self.highest = 0.0
        self.lowest = 0.0
        self._channels = channels
        self._sample_rate_hz = sample_rate_hz
        self._file = path.open("xb")

    def append(self, block: Samples) -> None:
        """Adds float32 (frames, channels)."""
        if not len(block):
            return
        self.highest = max(self.highest, float(block.max()))
        self.lowest = min(self.lowest, float(block.min()))
        self.frames += len(block)
        self._file.write(np.ascontiguousarray(block, dtype="<f4").data)

    def close(self) -> None:
        """Ends writing; reading begins with `signal`."""
        self._file.close()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def signal(self, first_frame: int = 0) -> RawSignal:
        """What was written, read from disk as it is needed; it begins as frame `first_frame`."""
        return RawSignal(self.path, self.frames, self._channels, self._sample_rate_hz, first_frame)
