"""A WAV file that another process still writes: a preview (docs/decisions/0210)."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from bridge.audio.decoding.header import HIGHEST_RATE_HZ, LOWEST_RATE_HZ, MOST_CHANNELS
from bridge.audio.file_signal import mend
from bridge.audio.riff import RiffChunk, chunks_of
from bridge.audio.wav_head import BYTES_PER_SAMPLE
from bridge.system.files import open_to_read

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Format, channels, frames a second, bytes a second, bytes a frame, bits a sample.
_FMT = struct.Struct("<HHIIHH")
_FLOAT = 3


class GrowingWav:
    """A `Signal` over a file of 32-bit floats that is shorter than its header says; what is not there yet is silent."""

    def __init__(self, file: BinaryIO, first_byte: int, frames: int, channels: int, sample_rate_hz: int) -> None:
        """`file` stays open until `close`; `frames` is its length when it is whole."""
        self._file = file
        self._first_byte = first_byte
        self.frames = frames
        self.channels = channels
        self.sample_rate_hz = sample_rate_hz

    @property
    def known_frames(self) -> int:
        """How many frames are there now."""
        there = os.fstat(self._file.fileno()).st_size - self._first_byte
        return max(0, min(self.frames, there // (self.channels * BYTES_PER_SAMPLE)))

    def read(self, start: int, stop: int) -> Samples:
        """See `protocols.Signal`. Raises OSError."""
        samples: Samples = np.zeros((stop - start, self.channels), np.float32)
        there = min(stop, self.known_frames) - start
        if there > 0:
            self._file.seek(self._first_byte + start * self.channels * BYTES_PER_SAMPLE)
            content = self._file.read(there * self.channels * BYTES_PER_SAMPLE)
            found = np.frombuffer(content, "<f4", len(content) // (self.channels * BYTES_PER_SAMPLE) * self.channels)
            samples[: len(found) // self.channels] = found.reshape(-1, self.channels)
            mend(samples)
        return samples

    def close(self) -> None:
        self._file.close()


def open_growing(path: Path) -> GrowingWav | None:
    """The file, if it is a WAV file of 32-bit floats that is shorter than its header says; else None.

    Raises:
        OSError: it cannot be read.
    """
    fmt: RiffChunk | None = None
    for chunk in chunks_of(path):
        if chunk.name == b"fmt ":
            fmt = chunk
        if chunk.name == b"data" and fmt is not None and chunk.size < chunk.stated:
            return _opened(path, fmt, chunk)
    return None


def _opened(path: Path, fmt: RiffChunk, data: RiffChunk) -> GrowingWav | None:
    file = open_to_read(path)
    file.seek(fmt.start)
    content = file.read(_FMT.size)
    if len(content) == _FMT.size:
        kind, channels, rate, _, frame_bytes, bits = _FMT.unpack(content)
        is_ours = (kind, bits, frame_bytes) == (_FLOAT, 8 * BYTES_PER_SAMPLE, channels * BYTES_PER_SAMPLE)
        if is_ours and 1 <= channels <= MOST_CHANNELS and LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
            return GrowingWav(file, data.start, data.stated // frame_bytes, channels, rate)
    file.close()
    return None
