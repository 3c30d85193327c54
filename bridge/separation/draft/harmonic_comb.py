"""Harmonic combs over a spectrogram: find the overtones of the bass.

Spectrograms are float32 (bins, columns), as in `masks`; a comb has one row per pitch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.separation.draft.running_median import Mask

#: Quarter tones, so that no bass note falls between two pitches.
PITCHES_PER_OCTAVE = 24
#: A tooth falls from 1 at its harmonic to 0 at this distance: the half width of a sine window's main lobe.
TOOTH_BINS = 1.5
#: Pitches are weighted by their relative salience to this power, so that the most salient one dominates.
SHARPNESS = 8
_FLOOR = np.float32(1e-20)


class Comb:
    """The harmonic series of evenly spaced pitches, over the lowest `bins` bins of a spectrogram.

    Args:
        bin_hz: bin spacing.
        lowest_hz, highest_hz: range of the fundamentals.
    """

    def __init__(self, bin_hz: float, bins: int, *, lowest_hz: float, highest_hz: float) -> None:
        steps = np.arange(round(PITCHES_PER_OCTAVE * np.log2(highest_hz / lowest_hz)) + 1)
        fundamental = (lowest_hz / bin_hz * 2 ** (steps / PITCHES_PER_OCTAVE))[:, np.newaxis]
        number = np.maximum(1, np.rint(np.arange(bins) / fundamental))
        distance = np.abs(np.arange(bins) - number * fundamental)
        teeth = np.maximum(0, 1 - distance / TOOTH_BINS)
        self.bins = bins
        # Divided by the square root of the number of teeth, not the number: many faint harmonics raise the salience.
        self._evidence = (teeth / np.sqrt(np.maximum(1, teeth.sum(axis=1, keepdims=True)))).astype(np.float32)
        self._first = (teeth * (number == 1)).astype(np.float32)
        self._overtones = (teeth * (number > 1) / number**2).astype(np.float32)

    def overtones(self, level: Mask) -> Mask:
        """The share of each bin that is an overtone of a low pitch, in [0, 1]: shape (bins of the comb, columns).

        Harmonic n is assumed to have 1/n² of the fundamental's power, as in a sawtooth. A brighter bass leaves the
        excess to the other stems; for a duller one the share is limited to 1. The salience of a pitch combines its
        fundamental and its whole series (after Klapuri, "Multiple fundamental frequency estimation by summing harmonic
        amplitudes", 2006).
        """
        level = level[: self.bins]
        power = np.square(level)
        fundamental = self._first @ power
        salience = np.sqrt(fundamental) * (self._evidence @ np.sqrt(level))
        salience /= salience.max(axis=0, keepdims=True) + _FLOOR
        expected = self._overtones.T @ (salience**SHARPNESS * fundamental)
        share: Mask = np.minimum(1, expected / (power + _FLOOR))
        return share
