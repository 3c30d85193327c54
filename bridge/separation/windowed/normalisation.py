"""Mean and deviation of a whole mix, by which Demucs normalises it, measured in one streaming pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

BLOCK_FRAMES = 1 << 20


@dataclass(frozen=True)
class Level:
    """Mean and standard deviation of the mono sum; `deviation` is never 0."""

    mean: float
    deviation: float
    is_silent: bool
    """True if every sample is exactly 0."""


def measure_level(mix: Signal, control: Control) -> Level:
    """Measures `mix` as `demucs.api.Separator.separate_tensor` does (unbiased deviation, plus 1e-8).

    Blocks are merged by the parallel form of Welford's method (Chan, Golub, LeVeque 1979), so that a constant offset
    does not reduce the precision of the deviation.
    """
    count, mean, squares, peak = 0, 0.0, 0.0, 0.0
    for start in range(0, mix.frames, BLOCK_FRAMES):
        control.checkpoint(0.0)
        block = mix.read(start, min(start + BLOCK_FRAMES, mix.frames))
        peak = max(peak, float(np.abs(block).max()))
        mono = block.mean(axis=1, dtype=np.float64)
        block_mean = float(mono.mean())
        difference = block_mean - mean
        total = count + len(mono)
        squares += float(np.square(mono - block_mean).sum()) + difference**2 * count * len(mono) / total
        mean += difference * len(mono) / total
        count = total
    deviation = math.sqrt(squares / (count - 1)) if count > 1 else 0.0
    return Level(mean, deviation + 1e-8, peak == 0.0)
