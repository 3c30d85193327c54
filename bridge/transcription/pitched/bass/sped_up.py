"""A stem played faster and therefore higher, with overtones added: for networks that do not hear low notes.

Every second sample, taken for audio at the full rate, is the stem an octave up at twice its speed. Saturation gives a
sine the overtones by which a network knows a pitch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.dsp.padded_read import samples_between

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: The loudest sample of this many blocks on each side of a block sets the level of its saturation: a period of A0.
BLOCK, AROUND = 64, 8
FAINTEST = 1e-6


@dataclass(frozen=True)
class SpedUp:
    """A `Signal` of every `step`-th sample of another (1 channel), at the same rate, saturated at its own level."""

    audio: Signal
    step: int
    drive: float
    """Of the saturation, whose odd overtones alone would be a clarinet's …"""
    even: float
    """… and its share of even ones."""
    channels: int = 1

    @property
    def sample_rate_hz(self) -> int:
        return self.audio.sample_rate_hz

    @property
    def frames(self) -> int:
        return -(-self.audio.frames // self.step)

    def known(self, frames: int) -> int:
        """How many frames can be read when that many of the other are known."""
        if frames >= self.audio.frames:
            return self.frames
        reach = len(_low_pass(self.step)) // 2
        return max(0, (((frames - 1 - reach) // self.step + 1) // BLOCK - AROUND) * BLOCK)

    def read(self, start: int, stop: int) -> Floats:
        if stop <= start:
            return np.zeros((0, 1), np.float32)
        # Whole blocks from the clip's start on, so that the result does not depend on how it is read.
        first, last = start // BLOCK, -(-stop // BLOCK)
        at, until = (first - AROUND) * BLOCK, (last + AROUND) * BLOCK
        low_pass = _low_pass(self.step)
        reach = len(low_pass) // 2
        samples = samples_between(self.audio, self.step * at - reach, self.step * (until - 1) + 1 + reach)
        filtered = np.convolve(samples, low_pass, mode="valid")[:: self.step]
        peaks = np.abs(filtered).reshape(-1, BLOCK).max(axis=1)
        level = np.lib.stride_tricks.sliding_window_view(peaks, 2 * AROUND + 1).max(axis=1)
        level = np.repeat(np.maximum(level, FAINTEST), BLOCK)[start - first * BLOCK :][: stop - start]
        relative = filtered[start - at :][: stop - start] / level
        saturated = level * (np.tanh(self.drive * relative) + self.even * np.abs(relative))
        return np.asarray(saturated[:, np.newaxis], np.float32)


def _low_pass(step: int) -> Floats:
    """A windowed sinc that passes what `step` times fewer samples can hold."""
    reach = 8 * step - 1
    places = np.arange(-reach, reach + 1)
    taps = np.sinc(places / step) / step * np.hanning(2 * reach + 3)[1:-1]
    return np.asarray(taps / taps.sum(), np.float32)
