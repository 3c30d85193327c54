"""A temporary file of raw floats for a job's audio: written sequentially, then read from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.signal import RawSignal

if TYPE_CHECKING:
    from bridge.protocols import Samples

BYTES_PER_SAMPLE = 4


class Scratch:
    """float32 samples in a raw file, and their highest and lowest value."""

    def __init__(self, path: Path, channels: int, sample_rate_hz: int) -> None:
        self.path = path
        self.frames = 0
        self.highest = 0.0
        self.lowest = 0.0
        self._channels = channels
        self._sample_rate_hz = sample_rate_hz
        self._file = path.open("xb")

    def append(self, block: Samples) -> None:
        """Appends float32 (frames, channels)."""
        if not len(block):
            return
        self.highest = max(self.highest, float(block.max()))
        self.lowest = min(self.lowest, float(block.min()))
        self.frames += len(block)
        self._file.write(np.ascontiguousarray(block, dtype="<f4").data)

    def close(self) -> None:
        """Finishes writing; `signal` reads the file."""
        self._file.close()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def signal(self, first_frame: int = 0) -> RawSignal:
        """The written samples, read from disk on demand; they start at frame `first_frame`."""
        return RawSignal(self.path, self.frames, self._channels, self._sample_rate_hz, first_frame)
