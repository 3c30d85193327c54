"""A temporary file of raw floats for a job's audio: written sequentially, then read from anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.signal import RawSignal
from bridge.errors import OutOfSpace

if TYPE_CHECKING:
    from bridge.protocols import Samples

BYTES_PER_SAMPLE = 4
#: Free space that a job leaves on a drive, so that the bridge never fills one completely. It is looked at each time
#: that so much has been written, because some files do not say how long they are.
SPARE_BYTES = 64 * 1024 * 1024


class Scratch:
    """float32 samples in a raw file, and their highest and lowest value."""

    def __init__(self, path: Path, channels: int, sample_rate_hz: int) -> None:
        self.path = path
        self.frames = 0
        self.highest = 0.0
        self.lowest = 0.0
        self._channels = channels
        self._sample_rate_hz = sample_rate_hz
        self._unlooked_bytes = 0
        self._file = path.open("xb")

    def append(self, block: Samples) -> None:
        """Appends float32 (frames, channels).

        Raises:
            OutOfSpace: less than `SPARE_BYTES` are free on the drive.
        """
        if not len(block):
            return
        self._unlooked_bytes += block.size * BYTES_PER_SAMPLE
        if self._unlooked_bytes >= SPARE_BYTES:
            self._unlooked_bytes = 0
            self._check_reserve()
        self.highest = max(self.highest, float(block.max()))
        self.lowest = min(self.lowest, float(block.min()))
        self.frames += len(block)
        self._file.write(np.ascontiguousarray(block, dtype="<f4").data)

    def close(self) -> None:
        """Finishes writing; `signal` reads the file."""
        self._file.close()

    def clear(self) -> None:
        """Forgets all samples, to be written anew."""
        self._file.seek(0)
        self._file.truncate()
        self.frames, self.highest, self.lowest = 0, 0.0, 0.0

    def _check_reserve(self) -> None:
        folder = self.path.parent
        free = shutil.disk_usage(folder).free
        if free < SPARE_BYTES:
            raise OutOfSpace(
                f"Only {free / 1e6:,.0f} MB are free in {folder}, where decoded audio is stored for a while."
            )

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def signal(self, first_frame: int = 0) -> RawSignal:
        """The written samples, read from disk on demand; they start at frame `first_frame`."""
        return RawSignal(self.path, self.frames, self._channels, self._sample_rate_hz, first_frame)
