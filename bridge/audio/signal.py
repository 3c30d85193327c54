"""Implementations of `Signal`: an array in memory, raw floats on disk, and a slice of another signal."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples, Signal


class ArraySignal:
    """A `Signal` over an array: float32 (frames, channels), full scale at ±1.0."""

    def __init__(self, samples: Samples, sample_rate_hz: int) -> None:
        if samples.ndim != 2:
            raise ValueError(f"samples must be (frames, channels), not {samples.shape}")
        self.samples = samples
        self._sample_rate_hz = sample_rate_hz

    @property
    def frames(self) -> int:
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        return int(self.samples.shape[1])

    @property
    def sample_rate_hz(self) -> int:
        return self._sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        return np.array(self.samples[start:stop], dtype=np.float32)


class RawSignal:
    """A `Signal` over a file of interleaved little-endian float32.

    The file is not memory-mapped: mapped pages would count as the worker's memory, up to an hour of audio. Several
    threads may read.
    """

    def __init__(
        self,
        file: BinaryIO,
        frames: int,
        channels: int,
        sample_rate_hz: int,
        first_frame: int = 0,
        first_byte: int = 0,
    ) -> None:
        """`file` stays open; its samples begin at `first_byte`. Frames before `first_frame` are silent, not in it."""
        self._file = file
        self._first_byte = first_byte
        self._first = first_frame
        self._frames = first_frame + frames
        self._channels = channels
        self._sample_rate_hz = sample_rate_hz
        self._reading = threading.Lock()

    @property
    def frames(self) -> int:
        return self._frames

    @property
    def channels(self) -> int:
        return self._channels

    @property
    def sample_rate_hz(self) -> int:
        return self._sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        samples = np.zeros((stop - start, self._channels), np.float32)
        first_stored = max(start, self._first)
        if first_stored < stop:
            wanted = samples[first_stored - start :]
            # As bytes of a flat array, because an empty block of several channels cannot be cast.
            flat = wanted.reshape(-1).view(np.uint8)
            with self._reading:
                self._file.seek(self._first_byte + (first_stored - self._first) * self._channels * wanted.itemsize)
                count = self._file.readinto(flat)  # type: ignore[attr-defined]
            if count < wanted.nbytes:
                raise OSError("a temporary file has become shorter")
        return samples


class SignalSlice:
    """Frames `start` to `stop` of another signal, numbered from 0."""

    def __init__(self, signal: Signal, start: int, stop: int) -> None:
        self._signal = signal
        self._start = start
        self.frames = stop - start

    @property
    def channels(self) -> int:
        return self._signal.channels

    @property
    def sample_rate_hz(self) -> int:
        return self._signal.sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        return self._signal.read(self._start + start, self._start + stop)
