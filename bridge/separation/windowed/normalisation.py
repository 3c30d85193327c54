"""Mean and deviation of a whole mix, by which Demucs normalises it, measured in one streaming pass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.stereo import mono_mean
from bridge.system.side_by_side import side_by_side

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
    count, mean, squares, is_silent = 0, 0.0, 0.0, True
    for block in side_by_side(
        lambda start: _Block.of(mix, start), range(0, mix.frames, BLOCK_FRAMES), lambda: control.checkpoint(0.0)
    ):
        is_silent = is_silent and block.is_silent
        difference = block.mean - mean
        total = count + block.frames
        squares += block.squares + difference**2 * count * block.frames / total
        mean += difference * block.frames / total
        count = total
    deviation = math.sqrt(squares / (count - 1)) if count > 1 else 0.0
    return Level(mean, deviation + 1e-8, is_silent)


@dataclass(frozen=True)
class _Block:
    """What is measured of one block."""

    frames: int
    mean: float
    squares: float
    """The sum of the squared differences from the mean."""
    is_silent: bool

    @classmethod
    def of(cls, mix: Signal, start: int) -> _Block:
        samples = mix.read(start, min(start + BLOCK_FRAMES, mix.frames))
        mono = mono_mean(samples)
        mean = float(mono.mean())
        mono -= mean
        squares = float(np.square(mono, out=mono).sum())
        return cls(len(samples), mean, squares, not samples.any())
