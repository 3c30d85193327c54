"""The gain that brings a mix to the level of the songs that the networks were trained on.

The networks are not linear: what they find depends on the level, and clips in a DAW are often quieter than a released
song (docs/decisions/0131).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.stereo import mono_mean
from bridge.system.side_by_side import side_by_side

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Root mean square of a channel of the loud parts after the gain.
TARGET_DBFS = -13.0
#: Blocks whose power is this far below the mean of the others are pauses (the relative gate of ITU-R BS.1770).
GATE_DB = -10.0
BLOCK_SECONDS = 0.4
#: Blocks below this power are silence: half a step of 24 bits.
SILENCE_POWER = 2.0**-48
READ_BLOCKS = 64


def gain_for(mix: Signal, control: Control) -> float:
    """The factor for `mix`; 0 if it is silent. Reads the whole mix once."""
    powers = _block_powers(mix, control)
    powers = powers[powers > SILENCE_POWER]
    if not len(powers):
        return 0.0
    loud = powers[powers >= powers.mean() * 10 ** (GATE_DB / 10)]
    return float(10 ** (TARGET_DBFS / 20) / np.sqrt(loud.mean()))


def _block_powers(mix: Signal, control: Control) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Mean squares over `BLOCK_SECONDS`; the last block may be shorter."""
    block = max(1, round(BLOCK_SECONDS * mix.sample_rate_hz))

    def measure(start: int) -> list[float]:
        samples = mix.read(start, min(start + block * READ_BLOCKS, mix.frames))
        squares = mono_mean(np.square(samples, dtype=np.float64))
        return [float(squares[first : first + block].mean()) for first in range(0, len(squares), block)]

    starts = range(0, mix.frames, block * READ_BLOCKS)
    return np.array(
        [power for powers in side_by_side(measure, starts, lambda: control.checkpoint(0.0)) for power in powers]
    )
