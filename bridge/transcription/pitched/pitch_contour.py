"""The pitch contour of a note: frame by frame, the centre of the posterior's peak near its key."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.transcription.pitched.posteriors import (
    BINS_PER_SEMITONE,
    CONTOUR_BINS,
    PROBABILITY_SCALE,
    Posteriors,
    contour_bin,
)

#: How far from its key a note is followed; neighbouring notes lie further away.
REACH_SEMITONES = 1.5
#: The same for a note that slides to another key: the usual range of an instrument's pitch wheel.
SLIDE_SEMITONES = 2.0
#: The pitch is the mean of this many bins on each side of the peak, weighted by their squares. A parabola through three
#: bins would jump from one bin to the next.
AROUND_BINS = 2


def pitch_contour(
    posteriors: Posteriors, pitch: int, start: int, stop: int, reach_semitones: float = REACH_SEMITONES
) -> tuple[Doubles, Doubles]:
    """The pitch near a key in frames `start` to `stop`: semitones above the key; probability, 0–1; (frames,) each."""
    centre = contour_bin(pitch)
    reach = round(reach_semitones * BINS_PER_SEMITONE)
    lowest, highest = max(0, centre - reach), min(CONTOUR_BINS, centre + reach + 1)
    contour = posteriors.contour[start:stop, lowest:highest].astype(np.float64)
    peak = contour.argmax(axis=1)
    height = contour[np.arange(len(peak)), peak]
    bins = np.arange(contour.shape[1])
    weight = np.square(contour) * (np.abs(bins - peak[:, np.newaxis]) <= AROUND_BINS)
    mean = weight @ bins / np.maximum(weight.sum(axis=1), 1e-9)
    return (lowest + mean - centre) / BINS_PER_SEMITONE, height / PROBABILITY_SCALE
