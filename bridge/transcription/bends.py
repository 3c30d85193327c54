"""How a note's pitch moves against its key: vibrato, slides, a singer who is flat."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.model import Bend
from bridge.transcription.posteriors import BINS_PER_SEMITONE, CONTOUR_BINS, SURE, Posteriors, contour_bin
from bridge.transcription.spans import Span

Course: TypeAlias = npt.NDArray[np.float64]

#: How far from its key a note is followed: further lie its neighbours.
REACH_SEMITONES = 1.5
#: Frames less probable than this, or than this share of the note's best, say nothing about its pitch, which is
#: interpolated between those around them.
AUDIBLE = 0.15
AUDIBLE_SHARE = 0.5
#: A frame's pitch is the median of so many, then their mean: 5 frames are 58 ms, well under a cycle of vibrato (6 Hz).
SMOOTHING_FRAMES = 5
#: A voice slides, it does not leap so far from one frame to the next (vibrato of a semitone at 6 Hz moves by 0.44 at
#: most): beyond a leap sounds the neighbouring note.
LEAP_SEMITONES = 0.5
#: Smaller changes are not sent: 5 cents are about what a listener can tell apart.
LEAST_CHANGE = 0.05
#: A note that stays so near its key has no bends at all; within this, the network itself errs.
STEADY = 0.15


def bends(posteriors: Posteriors, span: Span, start_seconds: float, stop_seconds: float) -> tuple[Bend, ...]:
    """The pitch's course over one note, the first at its start; empty where it stays on its key."""
    offsets = pitch_offsets(posteriors, span)
    if not len(offsets) or np.abs(offsets).max() < STEADY:
        return ()
    course: list[Bend] = []
    for index, offset in enumerate(offsets.tolist()):
        time = max(start_seconds, (span.start + index) / posteriors.frame_rate_hz)
        if time >= stop_seconds:
            break
        if not course or abs(offset - course[-1].semitones) > LEAST_CHANGE:
            course.append(Bend(time_seconds=time, semitones=round(offset, 3)))
    return tuple(course)


def pitch_offsets(posteriors: Posteriors, span: Span) -> Course:
    """Semitones between what sounds and the span's pitch, smoothed: (frames of the span,); empty where none sounds."""
    centre = contour_bin(span.pitch)
    reach = round(REACH_SEMITONES * BINS_PER_SEMITONE)
    lowest, highest = max(0, centre - reach), min(CONTOUR_BINS, centre + reach + 1)
    contour = posteriors.contour[span.start : span.stop, lowest:highest].astype(np.float64) / SURE
    peak = contour.argmax(axis=1)
    frames = np.arange(len(peak))
    height = contour[frames, peak]
    audible = height >= max(AUDIBLE, AUDIBLE_SHARE * float(height.max()))
    if not audible.any():
        return np.zeros(0)
    inner = np.clip(peak, 1, contour.shape[1] - 2)
    left, middle, right = (contour[frames, inner + step] for step in (-1, 0, 1))
    curvature = left - 2 * middle + right
    # The vertex of the parabola through the peak and its neighbours; at the edge of the reach there is no peak.
    rounded = (curvature < 0) & (inner == peak)
    vertex = np.where(rounded, (left - right) / np.where(rounded, 2 * curvature, 1.0), 0.0)
    offsets = (lowest + peak + np.clip(vertex, -0.5, 0.5) - centre) / BINS_PER_SEMITONE
    course = _filtered(np.interp(frames, frames[audible], offsets[audible]), np.median)
    stretch = np.append(0, np.cumsum(np.abs(np.diff(course)) > LEAP_SEMITONES))
    own = stretch == np.bincount(stretch, weights=height).argmax()
    return _filtered(np.interp(frames, frames[own], course[own]), np.mean)


def _filtered(course: Course, statistic: Callable[..., Course]) -> Course:
    """Running median or mean; the ends are held."""
    padded = np.pad(course, SMOOTHING_FRAMES // 2, mode="edge")
    return np.asarray(statistic(np.lib.stride_tricks.sliding_window_view(padded, SMOOTHING_FRAMES), axis=1))
