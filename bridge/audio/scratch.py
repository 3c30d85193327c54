"""A temporary file of floats for a job's audio: written sequentially, then read from anywhere."""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import numpy as np

from bridge.audio.peaks import Peaks
from bridge.audio.signal import RawSignal
from bridge.audio.wav_head import BYTES_PER_SAMPLE
from bridge.errors import OutOfSpace
from bridge.system.files import SPARE_BYTES
from bridge.system.private_folders import FILE_MODE

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Where a scratch file lies: a path that it has to itself, or what opens a file without a name.
ScratchPlace: TypeAlias = "Path | Callable[[], BinaryIO]"


class Scratch:
    """float32 samples in a file, and their highest and lowest value."""

    def __init__(
        self,
        place: ScratchPlace,
        channels: int,
        sample_rate_hz: int,
        head: bytes = b"",
        peaks: Peaks | None = None,
    ) -> None:
        """`head` stands in the file before the samples, so that other programs can read it; `peaks` gets them too."""
        self.frames = 0
        self.highest = 0.0
        self.lowest = 0.0
        self.is_finite = True
        """Whether every sample is a number."""
        self.path = place if isinstance(place, Path) else None
        """None: the file has no name."""
        self.head_bytes = len(head)
        self.peaks = peaks
        self._channels = channels
        self._sample_rate_hz = sample_rate_hz
        self.file: BinaryIO = _new_file(place) if isinstance(place, Path) else place()
        self.file.write(head)
        self._unlooked_bytes = 0

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
        highest, lowest = float(block.max()), float(block.min())
        self.is_finite = self.is_finite and math.isfinite(highest) and math.isfinite(lowest)
        self.highest = max(self.highest, highest)
        self.lowest = min(self.lowest, lowest)
        self.frames += len(block)
        if self.peaks is not None and self.is_finite:
            self.peaks.append(block)
        self.file.write(np.ascontiguousarray(block, dtype="<f4").data)

    def close(self) -> None:
        """Finishes writing, for now or for good; `signal`, and other programs, read all that was appended."""
        self.file.flush()

    def clear(self) -> None:
        """Forgets all samples, to be written anew."""
        self.file.seek(self.head_bytes)
        self.file.truncate()
        self.frames, self.highest, self.lowest, self.is_finite = 0, 0.0, 0.0, True

    def _check_reserve(self) -> None:
        """Called each time that `SPARE_BYTES` have been written, because some files do not say how long they are."""
        if sys.platform == "win32":  # which tells it of folders only
            return
        free = shutil.disk_usage(self.file.fileno()).free
        if free < SPARE_BYTES:
            raise OutOfSpace(
                f"Only {free / 1e6:,.0f} MB are free where decoded audio is stored for a while.",
                advice="Free some space on that drive, or choose a shorter region.",
            )

    def discard(self) -> None:
        self.file.close()
        if self.path is not None:
            with suppress(OSError):  # on Windows, while another program reads it
                self.path.unlink()

    def signal(self, first_frame: int = 0) -> RawSignal:
        """The written samples, read from disk on demand until `discard`; they start at frame `first_frame`."""
        return RawSignal(self.file, self.frames, self._channels, self._sample_rate_hz, first_frame, self.head_bytes)


def _new_file(path: Path) -> BinaryIO:
    """A file that only this account may read."""
    return open(path, "x+b", opener=lambda name, flags: os.open(name, flags, FILE_MODE))
