"""Harmonic series over a spectrogram: which of the higher tones belong to the bass.

Spectrograms are float32 (bins, columns), as in `masks`; a comb has a row for each pitch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.separation.draft.running_median import Mask

#: How many pitches in an octave: quarter tones, so that no bass falls between two.
PITCHES_PER_OCTAVE = 24
#: A tooth falls from 1 on its harmonic to 0 this many bins away: the width of a sine window's main lobe.
TOOTH_BINS = 1.5
#: Of the pitches that could sound, the most salient counts by far the most: by salience to this power.
SHARPNESS = 8
_FLOOR = np.float32(1e-20)


class Comb:
    """The harmonic series of evenly spread pitches, over the lowest `bins` bins of a spectrogram.

    Args:
        bin_hz: distance of two bins.
        lowest_hz, highest_hz: of the fundamentals.
    """

    def __init__(self, bin_hz: float, bins: int, *, lowest_hz: float, highest_hz: float) -> None:
        steps = np.arange(round(PITCHES_PER_OCTAVE * np.log2(highest_hz / lowest_hz)) + 1)
        fundamental = (lowest_hz / bin_hz * 2 ** (steps / PITCHES_PER_OCTAVE))[:, np.newaxis]
        number = np.maximum(1, np.rint(np.arange(bins) / fundamental))
        distance = np.abs(np.arange(bins) - number * fundamental)
        teeth = np.maximum(0, 1 - distance / TOOTH_BINS)
        self.bins = bins
        # Divided by the root of their number and not by it: many faint harmonics make a pitch likelier.
        self._evidence = (teeth / np.sqrt(np.maximum(1, teeth.sum(axis=1, keepdims=True)))).astype(np.float32)
        self._first = (teeth * (number == 1)).astype(np.float32)
        self._overtones = (teeth * (number > 1) / number**2).astype(np.float32)

    def overtones(self, level: Mask) -> Mask:
        """How much of each bin the overtones of a low pitch account for, in [0, 1]: (bins of the comb, columns).

        The power of harmonic n is taken to be 1/n² of the fundamental's, a sawtooth's: a brighter bass leaves the rest
        of its harmonics to others, where a duller one takes no more than there is. A pitch is as salient as its
        fundamental and its whole series are (after Klapuri, "Multiple fundamental frequency estimation by summing
        harmonic amplitudes", 2006).
        """
        level = level[: self.bins]
        power = np.square(level)
        fundamental = self._first @ power
        salience = np.sqrt(fundamental) * (self._evidence @ np.sqrt(level))
        salience /= salience.max(axis=0, keepdims=True) + _FLOOR
        expected = self._overtones.T @ (salience**SHARPNESS * fundamental)
        share: Mask = np.minimum(1, expected / (power + _FLOOR))
        return share
