"""How a note's pitch moves against its key: vibrato, slides, a singer who is flat."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Bend
from bridge.transcription.pitched.pitch_contour import REACH_SEMITONES, SLIDE_SEMITONES, pitch_contour
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: Frames less probable than this, or than this share of the note's best, say nothing about its pitch, which is
#: interpolated between those around them.
AUDIBLE = 0.15
AUDIBLE_SHARE = 0.5
#: A voice slides, it does not leap so far from one frame to the next (vibrato of a semitone at 6 Hz moves by 0.44 at
#: most): beyond a leap sounds the neighbouring note.
LEAP_SEMITONES = 0.5
#: A frame's pitch is the median of 3, then their weighted mean: 35 ms, a fifth of a cycle of vibrato (6 Hz).
SMOOTHING = (0.25, 0.5, 0.25)
#: What is left out between two bends strays no further than this: about what a listener can tell apart.
TOLERANCE_SEMITONES = 0.05
#: A note that stays so near its key has no bends at all; within this, the network itself errs.
STEADY = 0.15


def bends(posteriors: Posteriors, span: NoteSegment, start_seconds: float, stop_seconds: float) -> tuple[Bend, ...]:
    """The pitch's course over one note, the first at its start; empty where it stays on its key."""
    offsets = pitch_offsets(posteriors, span)
    if not len(offsets) or np.abs(offsets).max() < STEADY:
        return ()
    # A frame's pitch holds from half a frame before its centre, until half a frame before the next one's.
    times = np.maximum(start_seconds, (span.start - 0.5 + np.arange(len(offsets))) / posteriors.frame_rate_hz)
    inside = times < stop_seconds
    times, offsets = times[inside], offsets[inside]
    return tuple(
        Bend(time_seconds=float(times[at]), semitones=round(float(offsets[at]), 3))
        for at in stairs(offsets, TOLERANCE_SEMITONES)
    )


def pitch_offsets(posteriors: Posteriors, span: NoteSegment) -> Doubles:
    """Semitones between what sounds and the span's pitch, smoothed: (frames of the span,); empty where none sounds."""
    reach = SLIDE_SEMITONES + 0.5 if span.slides else REACH_SEMITONES
    course, probable = pitch_contour(posteriors, span.pitch, span.start, span.stop, reach)
    if not len(course):
        return course
    audible = probable >= max(AUDIBLE, AUDIBLE_SHARE * float(probable.max()))
    if not audible.any():
        return np.zeros(0)
    frames = np.arange(len(course))
    course = _median(np.interp(frames, frames[audible], course[audible]))
    leaps = np.abs(np.diff(course)) > LEAP_SEMITONES
    if leaps.any():
        stretch = np.append(0, np.cumsum(leaps))
        own = stretch == np.bincount(stretch, weights=probable).argmax()
        course = np.interp(frames, frames[own], course[own])
    return np.convolve(_held(course), SMOOTHING, "valid")


def stairs(course: Doubles, tolerance: float) -> list[int]:
    """Frames at which a bend is sent, the first included, such that what was sent last is never further off than that.

    Bends hold until the next: between them lie steps, not the lines for which Ramer, Douglas and Peucker thin.
    """
    sent = [0]
    held = course[0]
    for frame, offset in enumerate(course.tolist()):
        if abs(offset - held) > tolerance:
            sent.append(frame)
            held = offset
    return sent


def _median(course: Doubles) -> Doubles:
    """Running median of three; the ends are held."""
    padded = _held(course)
    before, here, after = padded[:-2], padded[1:-1], padded[2:]
    return np.maximum(np.minimum(before, here), np.minimum(np.maximum(before, here), after))


def _held(course: Doubles) -> Doubles:
    """One frame more at each end."""
    return np.concatenate((course[:1], course, course[-1:]))
