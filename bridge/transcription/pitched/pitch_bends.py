"""Pitch bends: how a note's pitch departs from its key (vibrato, slides, intonation)."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Bend
from bridge.transcription.pitched.pitch_contour import REACH_SEMITONES, SLIDE_SEMITONES, pitch_contour
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: Frames less probable than this, or than this share of the note's most probable frame, are ignored; the pitch is
#: interpolated over them.
AUDIBLE = 0.15
AUDIBLE_SHARE = 0.5
#: A larger step between two frames leads to a neighbouring note: vibrato of a semitone at 6 Hz moves by 0.44 at most.
LEAP_SEMITONES = 0.5
#: A frame's pitch is the median of 3, then their weighted mean: 35 ms, a fifth of a cycle of vibrato (6 Hz).
SMOOTHING = (0.25, 0.5, 0.25)
#: Largest deviation of the contour from the last bend: about what a listener can distinguish.
TOLERANCE_SEMITONES = 0.05
#: A note that stays this close to its key has no bends; this is the network's own error.
STEADY_SEMITONES = 0.15


def bends(posteriors: Posteriors, segment: NoteSegment, start_seconds: float, stop_seconds: float) -> tuple[Bend, ...]:
    """The bends of one note, the first at its start; empty where the pitch stays on its key."""
    offsets = pitch_offsets(posteriors, segment)
    if not len(offsets) or np.abs(offsets).max() < STEADY_SEMITONES:
        return ()
    # A frame's pitch holds from half a frame before its centre until half a frame before the next frame's.
    times = np.maximum(start_seconds, (segment.start - 0.5 + np.arange(len(offsets))) / posteriors.frame_rate_hz)
    inside = times < stop_seconds
    times, offsets = times[inside], offsets[inside]
    return tuple(
        Bend(time_seconds=float(times[at]), semitones=round(float(offsets[at]), 3))
        for at in bend_steps(offsets, TOLERANCE_SEMITONES)
    )


def pitch_offsets(posteriors: Posteriors, segment: NoteSegment) -> Doubles:
    """The smoothed pitch, in semitones above the segment's key: (frames of the segment,); empty if none is audible."""
    reach = SLIDE_SEMITONES + 0.5 if segment.slides else REACH_SEMITONES
    contour, probable = pitch_contour(posteriors, segment.pitch, segment.start, segment.stop, reach)
    if not len(contour):
        return contour
    audible = probable >= max(AUDIBLE, AUDIBLE_SHARE * float(probable.max()))
    if not audible.any():
        return np.zeros(0)
    frames = np.arange(len(contour))
    contour = _median(np.interp(frames, frames[audible], contour[audible]))
    leaps = np.abs(np.diff(contour)) > LEAP_SEMITONES
    if leaps.any():
        runs = np.append(0, np.cumsum(leaps))
        in_main_run = runs == np.bincount(runs, weights=probable).argmax()
        contour = np.interp(frames, frames[in_main_run], contour[in_main_run])
    return np.convolve(_edge_padded(contour), SMOOTHING, "valid")


def bend_steps(contour: Doubles, tolerance: float) -> list[int]:
    """Frames of the bends, the first included, such that the contour never departs from the last bend by more than
    `tolerance`.

    A bend holds until the next one: the result is a step function, so Ramer-Douglas-Peucker (for lines) does not apply.
    """
    sent = [0]
    last = contour[0]
    for frame, offset in enumerate(contour.tolist()):
        if abs(offset - last) > tolerance:
            sent.append(frame)
            last = offset
    return sent


def _median(contour: Doubles) -> Doubles:
    """Running median of three, the ends repeated."""
    padded = _edge_padded(contour)
    before, here, after = padded[:-2], padded[1:-1], padded[2:]
    return np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))


def _edge_padded(contour: Doubles) -> Doubles:
    """The contour with its first and last values repeated."""
    return np.concatenate((contour[:1], contour, contour[-1:]))
