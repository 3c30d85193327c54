"""Sample rate conversion by soxr, which compensates its own delay: sample 0 stays sample 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import soxr

if TYPE_CHECKING:
    from bridge.protocols import Samples, Signal

#: Passband to 91.3 % of Nyquist; 20 bits of precision are too few for stems that must sum, VHQ has 28.
QUALITY = "VHQ"
#: How far the filter reaches to either side, in frames of the lower rate: measured 100–150, beyond which a stretch
#: comes out bit for bit as it does in the whole.
FILTER_REACH_FRAMES = 256


def resampled(signal: Signal, sample_rate_hz: int) -> Signal:
    """The signal at another rate, converted as it is read; the signal itself where the rates agree."""
    return signal if signal.sample_rate_hz == sample_rate_hz else _Resampled(signal, sample_rate_hz)


def reach_frames(from_hz: int, to_hz: int, at_hz: int) -> int:
    """How far around a moment the conversion of it depends on, in frames at `at_hz`; 0 where there is none."""
    return 0 if from_hz == to_hz else -(-FILTER_REACH_FRAMES * at_hz // min(from_hz, to_hz))


def common_grid(rate_hz: int, other_hz: int) -> int:
    """Each so many frames at `rate_hz`, a frame falls on a frame at `other_hz`."""
    return rate_hz // math.gcd(rate_hz, other_hz)


def mono(signal: Signal) -> Signal:
    """The mean of all channels, as one; the signal itself where it has but one."""
    return signal if signal.channels == 1 else _Mono(signal)


class _Resampled:
    """Converts each stretch that is read, with as much around it as the filter sees.

    A stretch begins where frames of both rates coincide, so that every read finds the filter in the same phase.
    """

    def __init__(self, signal: Signal, sample_rate_hz: int) -> None:
        self._signal = signal
        self.sample_rate_hz = sample_rate_hz
        self._step_in = common_grid(signal.sample_rate_hz, sample_rate_hz)
        self._step_out = common_grid(sample_rate_hz, signal.sample_rate_hz)
        self.frames = -(-signal.frames * self._step_out // self._step_in)

    @property
    def channels(self) -> int:
        return self._signal.channels

    def read(self, start: int, stop: int) -> Samples:
        reach = reach_frames(self._signal.sample_rate_hz, self.sample_rate_hz, self._signal.sample_rate_hz)
        step = max(0, start * self._step_in // self._step_out - reach) // self._step_in
        last = min(-(-stop * self._step_in // self._step_out) + reach, self._signal.frames)
        around = self._signal.read(step * self._step_in, last)
        converted = soxr.resample(around, self._signal.sample_rate_hz, self.sample_rate_hz, quality=QUALITY)
        samples: Samples = np.zeros((stop - start, self.channels), np.float32)
        found = converted[start - step * self._step_out :][: stop - start]
        samples[: len(found)] = found  # rounding of the two rates: at the very end a frame may be missing
        return samples


class _Mono:
    channels = 1

    def __init__(self, signal: Signal) -> None:
        self._signal = signal

    @property
    def frames(self) -> int:
        return self._signal.frames

    @property
    def sample_rate_hz(self) -> int:
        return self._signal.sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        centre: Samples = self._signal.read(start, stop).mean(axis=1, dtype=np.float32, keepdims=True)
        return centre


class StreamResampler:
    """Converts consecutive blocks and gives exactly `frames_out` frames in all."""

    def __init__(self, from_hz: int, to_hz: int, channels: int, frames_out: int) -> None:
        self._stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality=QUALITY)
        self._channels = channels
        self._missing = frames_out

    def convert(self, block: Samples, *, last: bool) -> Samples:
        """What is ready after `block`; with `last`, all that is still missing, to the exact frame."""
        ready: Samples = self._stream.resample_chunk(np.ascontiguousarray(block), last=last)[: self._missing]
        self._missing -= len(ready)
        if last and self._missing:  # rounding of the two rates: at most a frame or two
            ready = np.concatenate([ready, np.zeros((self._missing, self._channels), np.float32)])
            self._missing = 0
        return ready
