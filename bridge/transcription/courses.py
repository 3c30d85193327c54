"""The course of a pitch, frame by frame: the contour's peak near a key, interpolated between its bins."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.transcription.posteriors import BINS_PER_SEMITONE, CONTOUR_BINS, SURE, Posteriors, contour_bin

Course: TypeAlias = npt.NDArray[np.float64]

#: How far from its key a note is followed: further lie its neighbours.
REACH_SEMITONES = 1.5


def pitch_course(posteriors: Posteriors, pitch: int, start: int, stop: int) -> tuple[Course, Course]:
    """Where the sound near a key lies in frames `start` to `stop`: semitones above the key, and how probable, 0–1."""
    centre = contour_bin(pitch)
    reach = round(REACH_SEMITONES * BINS_PER_SEMITONE)
    lowest, highest = max(0, centre - reach), min(CONTOUR_BINS, centre + reach + 1)
    contour = posteriors.contour[start:stop, lowest:highest].astype(np.float64)
    peak = contour.argmax(axis=1)
    frames = np.arange(len(peak))
    inner = np.clip(peak, 1, contour.shape[1] - 2)
    left, middle, right = (contour[frames, inner + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    # The vertex of the parabola through the peak and its neighbours; at the edge of the reach there is no peak.
    rounded = (curvature < 0) & (inner == peak)
    vertex = np.where(rounded, (left - right) / np.where(rounded, 2 * curvature, 1.0), 0.0)
    course = (lowest + peak + np.clip(vertex, -0.5, 0.5) - centre) / BINS_PER_SEMITONE
    return course, contour[frames, peak] / SURE
