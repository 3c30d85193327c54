"""Three signs in a note's envelope that it was released, each with the frame at which it ends the note.

A knee, where the envelope turns from holding or slow decay to a fast fall; a lasting fall below its sustain level; a
lasting fall that begins at the onset of another note.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels, Indices
from bridge.transcription.pitched.offsets.line_fits import LineFits

#: The fall after a knee: least slope, least change of slope, least depth.
FALL_DB_PER_SECOND = 50.0
STEEPER_DB_PER_SECOND = 40.0
FALL_DB = 3.0
KNEE_FRAMES = 1
#: A note this far below its sustain level that is still falling has been released; the fall's slope tells when.
BELOW_SUSTAIN_DB = 6.0
STILL_FALLING_DB = 4.0
STILL_FALLING_FRAMES = 6
LONGEST_FALL_FRAMES = 8
#: A note is perceived to end a little after its fall has begun.
LINGER_FRAMES = 3.0
#: A fall from another note's onset on: frames over which its slope is measured, least slope, least depth.
NEXT_ONSET_FRAMES = 12
NEXT_ONSET_DB_PER_SECOND = 50.0
NEXT_ONSET_DB = 8.0
SHORTEST_FRAMES = 4


def knee(envelopes: Decibels, first: Indices, audible_stop: Indices, rate_hz: float) -> Indices:
    """Where each envelope turns from holding to falling fast; its length where it does not: (notes,).

    If the first knee is the decay from a loud attack to a quieter sustain, the search continues after it.
    """
    count, length = envelopes.shape
    sums = LineFits(envelopes)
    times = np.arange(length)
    first = first.copy()
    found = np.full(count, length, np.intp)
    open_ = np.ones(count, np.bool_)
    rows = np.arange(count)
    for _ in range(3):
        left_error, left_slope = sums.line(first[:, np.newaxis], times[np.newaxis, :])
        right_error, right_slope = sums.line(times[np.newaxis, :], audible_stop[:, np.newaxis])
        error = np.where(
            (times >= first[:, np.newaxis] + 3) & (times <= audible_stop[:, np.newaxis] - 3),
            left_error + right_error,
            np.inf,
        )
        at = error.argmin(axis=1)
        open_ &= np.isfinite(error[rows, at])
        before, after = left_slope[rows, at] * rate_hz, right_slope[rows, at] * rate_hz
        fall = envelopes[rows, at] - envelopes[rows, np.maximum(audible_stop, 1) - 1]
        released = (before - after > STEEPER_DB_PER_SECOND) & (after < -FALL_DB_PER_SECOND) & (fall > FALL_DB)
        found[open_ & released] = at[open_ & released] + KNEE_FRAMES
        open_ &= after > before
        first[open_] = at[open_]
    return found


def below_sustain(envelopes: Decibels, peak: Indices, stops: Indices, valid_frames: Indices) -> Indices:
    """Where each envelope finally leaves its sustain level, the mean of its first half; its length where it does not.

    Shape (notes,).
    """
    count, length = envelopes.shape
    times = np.arange(length)
    middle = np.maximum(peak + 3, (peak + stops) // 2)[:, np.newaxis]
    early = (times >= peak[:, np.newaxis]) & (times < middle)
    sustain = np.where(early, envelopes, 0.0).sum(axis=1) / np.maximum(early.sum(axis=1), 1)
    within = times < valid_frames[:, np.newaxis]
    last = last_of(within & (envelopes >= (sustain - BELOW_SUSTAIN_DB)[:, np.newaxis]))
    rows = np.arange(count)
    later = np.minimum(last + STILL_FALLING_FRAMES, np.maximum(valid_frames, 1) - 1)
    fall = envelopes[rows, last] - envelopes[rows, later]
    ago = BELOW_SUSTAIN_DB * (later - last) / np.maximum(fall, STILL_FALLING_DB) - LINGER_FRAMES
    ago = np.clip(np.rint(ago), 0, LONGEST_FALL_FRAMES).astype(np.intp)
    return np.asarray(np.where(fall > STILL_FALLING_DB, last + 1 - ago, length))


def fall_at_onset(
    envelopes: Decibels, onsets: npt.NDArray[np.bool_], audible_stop: Indices, ends: Indices, rate_hz: float
) -> Indices:
    """The first onset of another note from which on the envelope falls steeply and for good; its length if none."""
    length = envelopes.shape[1]
    times = np.arange(length)
    last = np.maximum(audible_stop, 1)[:, np.newaxis] - 1
    until = np.minimum(times + NEXT_ONSET_FRAMES - 1, last)
    fall = envelopes - np.take_along_axis(envelopes, until, 1)
    whole = envelopes - np.take_along_axis(envelopes, last, 1)
    masked = np.where(times <= last, envelopes, -np.inf)
    ahead = np.maximum.accumulate(masked[:, ::-1], axis=1)[:, ::-1]
    recent = np.maximum(envelopes, np.maximum(_delayed(envelopes, 1), _delayed(envelopes, 2)))
    steep = fall >= NEXT_ONSET_DB_PER_SECOND * (until - times) / rate_hz
    long_enough = (until - times >= 2) & (times >= SHORTEST_FRAMES) & (times < ends[:, np.newaxis])
    at = onsets & steep & long_enough & (whole >= NEXT_ONSET_DB) & (ahead <= recent + 1.0)
    return np.asarray(np.where(at.any(axis=1), at.argmax(axis=1), length))


def last_of(flags: npt.NDArray[np.bool_]) -> Indices:
    """The index of the last True of each row; 0 where there is none."""
    found = flags.shape[1] - 1 - flags[:, ::-1].argmax(axis=1)
    return np.where(flags.any(axis=1), found, 0)


def _delayed(envelopes: Decibels, by: int) -> Decibels:
    return np.concatenate((envelopes[:, :1].repeat(by, axis=1), envelopes[:, :-by]), axis=1)
