"""Audio in memory, behind the `Signal` seam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples


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
