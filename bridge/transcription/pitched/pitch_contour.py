"""The course of a pitch, frame by frame: the centre of the contour's peak near a key."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.transcription.pitched.posteriors import BINS_PER_SEMITONE, CONTOUR_BINS, SURE, Posteriors, contour_bin

#: How far from its key a note is followed: further lie its neighbours.
REACH_SEMITONES = 1.5
#: And one that slides to another key: no further does a pitch wheel go as instruments are set.
SLIDE_SEMITONES = 2.0
#: The pitch is the mean of so many bins to both sides of the peak, weighted by their squares: between two bins a
#: parabola through three leaps from the one to the other.
AROUND_BINS = 2


def pitch_contour(
    posteriors: Posteriors, pitch: int, start: int, stop: int, reach_semitones: float = REACH_SEMITONES
) -> tuple[Doubles, Doubles]:
    """Where the sound near a key lies in frames `start` to `stop`: semitones above the key, and how probable, 0–1."""
    centre = contour_bin(pitch)
    reach = round(reach_semitones * BINS_PER_SEMITONE)
    lowest, highest = max(0, centre - reach), min(CONTOUR_BINS, centre + reach + 1)
    contour = posteriors.contour[start:stop, lowest:highest].astype(np.float64)
    peak = contour.argmax(axis=1)
    height = contour[np.arange(len(peak)), peak]
    bins = np.arange(contour.shape[1])
    weight = np.square(contour) * (np.abs(bins - peak[:, np.newaxis]) <= AROUND_BINS)
    mean = weight @ bins / np.maximum(weight.sum(axis=1), 1e-9)
    return (lowest + mean - centre) / BINS_PER_SEMITONE, height / SURE
