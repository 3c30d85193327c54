"""When each note is let go: the network goes on believing in a note while it dies away, an ear hears the key come up.

Three signs are looked for in the level of the note's own partials, the earliest that is found counts: a bend in its
course from holding, or dying slowly, to falling fast (two straight lines fitted by least squares); a fall below what it
held, from which it does not return; and a note that falls away from the moment at which the next one starts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels
from bridge.transcription.pitched.partials import Bands, envelopes_db
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.segments import NoteSegment

Frames = npt.NDArray[np.intp]

#: A note's attack is over, and its loudest moment reached, within so many frames.
ATTACK_FRAMES = 8
#: Frames beyond the network's end of a note that are looked at, to see where its fall leads.
BEYOND_FRAMES = 10
#: What is so far below the note's loudest moment is no longer the note.
DEPTH_DB = 35.0
#: The fall after the bend: at least so steep, so much steeper than before, and so deep.
FALL_DB_PER_SECOND = 50.0
STEEPER_DB_PER_SECOND = 40.0
FALL_DB = 3.0
#: A note that is so far below what it held, and still falling, has been let go: as long ago as that fall took.
BELOW_HELD_DB = 6.0
STILL_FALLING_DB = 4.0
STILL_FALLING_FRAMES = 6
LONGEST_FALL_FRAMES = 8
#: An ear hears a note end a little after its fall has begun.
LINGER_FRAMES = 3.0
#: From the next note's start on: a fall so steep over so many frames, and so deep in the end.
SUCCESSION_FRAMES = 12
SUCCESSION_DB_PER_SECOND = 50.0
SUCCESSION_DB = 8.0
BEND_FRAMES = 1
SHORTEST_FRAMES = 4
#: Notes are looked at together with others of about their length; of longer ones than this only the end.
LENGTHS = (32, 64, 128, 256, 512, 1024)
#: Frames of all notes that are looked at together: what an hour holds need not lie side by side.
FRAMES_AT_ONCE = 1 << 16


def with_offsets(posteriors: Posteriors, spans: Sequence[NoteSegment], bands: Bands) -> list[NoteSegment]:
    """The spans, heard by their `bands` (spans, partials), each ended where it is let go; none gets longer."""
    if not spans:
        return []
    starts = np.array([span.start for span in spans], np.intp)
    stops = np.array([span.stop for span in spans], np.intp)
    struck = np.zeros(posteriors.frames + 1, np.bool_)
    struck[starts] = True
    lengths = stops - starts
    ends = stops.copy()
    limits = _next_of_same_pitch(spans, posteriors.frames)
    for shorter, longest in zip((0, *LENGTHS[:-1]), LENGTHS, strict=True):
        alike = np.flatnonzero((lengths > shorter) & ((lengths <= longest) | (longest == LENGTHS[-1])))
        for some in np.split(alike, range(FRAMES_AT_ONCE // longest, len(alike), FRAMES_AT_ONCE // longest)):
            if not len(some):
                continue
            first = np.maximum(starts[some], stops[some] - longest)
            frames = first[:, np.newaxis] + np.arange(longest + BEYOND_FRAMES)
            courses = envelopes_db(posteriors.level, bands[some], frames)
            known = np.minimum(limits[some], stops[some] + BEYOND_FRAMES) - first
            others = struck[np.minimum(frames, posteriors.frames)]
            ends[some] = first + note_ends(courses, known, stops[some] - first, others, posteriors.frame_rate_hz)
    kept = np.clip(ends, np.minimum(starts + 2, stops), stops).tolist()
    return [span._replace(stop=stop) for span, stop in zip(spans, kept, strict=True)]


def note_ends(courses: Decibels, known: Frames, stops: Frames, struck: npt.NDArray[np.bool_], rate_hz: float) -> Frames:
    """Frame at which each course ends, never after its stop: (notes,).

    Args:
        courses: dB from the note's start on, (notes, times).
        known: how many frames of each course count, (notes,); what follows belongs to another note.
        stops: where the network ends each note, (notes,).
        struck: whether any note starts in that frame, (notes, times).
    """
    times = np.arange(courses.shape[1])
    valid = times < known[:, np.newaxis]
    courses = _smoothed(np.where(valid, courses, np.take_along_axis(courses, np.maximum(known, 1)[:, None] - 1, 1)))
    top = np.where(valid[:, :ATTACK_FRAMES], courses[:, :ATTACK_FRAMES], -np.inf).argmax(axis=1)
    held_valid = valid & (times >= top[:, np.newaxis])
    loudest = np.where(held_valid, courses, -np.inf).max(axis=1)
    alive = held_valid & (courses >= (loudest - DEPTH_DB)[:, np.newaxis])
    live = np.minimum(known, np.maximum(_last(alive) + 3, np.minimum(top + 4, known)))
    ends = np.minimum(stops, live)
    ends = np.minimum(ends, _bend(courses, top, live, rate_hz))
    ends = np.minimum(ends, _below_held(courses, top, stops, known))
    return np.asarray(np.minimum(ends, _succeeded(courses, struck, live, ends, rate_hz)))


def _bend(courses: Decibels, first: Frames, live: Frames, rate_hz: float) -> Frames:
    """Where a course turns from holding to falling fast, or its last frame.

    Where the first bend is that from a loud attack to a quieter tone, what follows it is looked at again.
    """
    count, length = courses.shape
    sums = _Sums(courses)
    times = np.arange(length)
    first = first.copy()
    found = np.full(count, length, np.intp)
    open_ = np.ones(count, np.bool_)
    rows = np.arange(count)
    for _ in range(3):
        left_error, left_slope = sums.line(first[:, np.newaxis], times[np.newaxis, :])
        right_error, right_slope = sums.line(times[np.newaxis, :], live[:, np.newaxis])
        error = np.where(
            (times >= first[:, np.newaxis] + 3) & (times <= live[:, np.newaxis] - 3), left_error + right_error, np.inf
        )
        at = error.argmin(axis=1)
        open_ &= np.isfinite(error[rows, at])
        before, after = left_slope[rows, at] * rate_hz, right_slope[rows, at] * rate_hz
        fall = courses[rows, at] - courses[rows, np.maximum(live, 1) - 1]
        let_go = (before - after > STEEPER_DB_PER_SECOND) & (after < -FALL_DB_PER_SECOND) & (fall > FALL_DB)
        found[open_ & let_go] = at[open_ & let_go] + BEND_FRAMES
        open_ &= after > before
        first[open_] = at[open_]
    return found


def _below_held(courses: Decibels, top: Frames, stops: Frames, known: Frames) -> Frames:
    """Where a course leaves the level that it held for its first half, for good, or its last frame."""
    count, length = courses.shape
    times = np.arange(length)
    middle = np.maximum(top + 3, (top + stops) // 2)[:, np.newaxis]
    early = (times >= top[:, np.newaxis]) & (times < middle)
    held = np.where(early, courses, 0.0).sum(axis=1) / np.maximum(early.sum(axis=1), 1)
    within = times < known[:, np.newaxis]
    last = _last(within & (courses >= (held - BELOW_HELD_DB)[:, np.newaxis]))
    rows = np.arange(count)
    later = np.minimum(last + STILL_FALLING_FRAMES, np.maximum(known, 1) - 1)
    fall = courses[rows, last] - courses[rows, later]
    ago = BELOW_HELD_DB * (later - last) / np.maximum(fall, STILL_FALLING_DB) - LINGER_FRAMES
    ago = np.clip(np.rint(ago), 0, LONGEST_FALL_FRAMES).astype(np.intp)
    return np.asarray(np.where(fall > STILL_FALLING_DB, last + 1 - ago, length))


def _succeeded(courses: Decibels, struck: npt.NDArray[np.bool_], live: Frames, ends: Frames, rate_hz: float) -> Frames:
    """The first start of another note from which on the course falls steeply and for good, or its last frame."""
    length = courses.shape[1]
    times = np.arange(length)
    last = np.maximum(live, 1)[:, np.newaxis] - 1
    until = np.minimum(times + SUCCESSION_FRAMES - 1, last)
    fall = courses - np.take_along_axis(courses, until, 1)
    whole = courses - np.take_along_axis(courses, last, 1)
    masked = np.where(times <= last, courses, -np.inf)
    ahead = np.maximum.accumulate(masked[:, ::-1], axis=1)[:, ::-1]
    recent = np.maximum(courses, np.maximum(_delayed(courses, 1), _delayed(courses, 2)))
    steep = fall >= SUCCESSION_DB_PER_SECOND * (until - times) / rate_hz
    long_enough = (until - times >= 2) & (times >= SHORTEST_FRAMES) & (times < ends[:, np.newaxis])
    at = struck & steep & long_enough & (whole >= SUCCESSION_DB) & (ahead <= recent + 1.0)
    return np.asarray(np.where(at.any(axis=1), at.argmax(axis=1), length))


class _Sums:
    """Running sums of every course, so that a line through any stretch of it costs a few subtractions."""

    def __init__(self, courses: Decibels) -> None:
        length = courses.shape[1]
        level = courses.astype(np.float64) + 60.0  # near 0: the sums of squares stay small
        time = np.arange(length, dtype=np.float64)
        self._time = np.append(0.0, np.cumsum(time))
        self._time_squared = np.append(0.0, np.cumsum(time * time))
        self._level = np.pad(np.cumsum(level, axis=1), ((0, 0), (1, 0)))
        self._level_squared = np.pad(np.cumsum(level * level, axis=1), ((0, 0), (1, 0)))
        self._both = np.pad(np.cumsum(level * time, axis=1), ((0, 0), (1, 0)))

    def line(self, start: Frames, stop: Frames) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Sum of squared errors and slope (dB a frame) of the best line through frames `start` to `stop`."""

        def total(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            if sums.ndim == 1:
                return sums[stop] - sums[start]
            return np.take_along_axis(sums, _wide(stop, sums), 1) - np.take_along_axis(sums, _wide(start, sums), 1)

        number = np.maximum(stop - start, 1).astype(np.float64)
        time, level = total(self._time), total(self._level)
        spread = np.maximum(total(self._time_squared) - time * time / number, 1e-9)
        together = total(self._both) - time * level / number
        error = total(self._level_squared) - level * level / number - together * together / spread
        return np.maximum(error, 0.0), together / spread


def _wide(index: Frames, sums: npt.NDArray[np.float64]) -> Frames:
    return np.broadcast_to(index, (len(sums), index.shape[1]))


def _smoothed(courses: Decibels) -> Decibels:
    padded = np.pad(courses, ((0, 0), (1, 1)), mode="edge")
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def _delayed(courses: Decibels, by: int) -> Decibels:
    return np.concatenate((courses[:, :1].repeat(by, axis=1), courses[:, :-by]), axis=1)


def _last(flags: npt.NDArray[np.bool_]) -> Frames:
    """Place of the last True of each row; 0 where there is none."""
    found = flags.shape[1] - 1 - flags[:, ::-1].argmax(axis=1)
    return np.where(flags.any(axis=1), found, 0)


def _next_of_same_pitch(spans: Sequence[NoteSegment], frames: int) -> Frames:
    """Where the next span of the same pitch starts, or the clip ends: (spans,)."""
    following: dict[int, int] = {}
    limits = np.full(len(spans), frames, np.intp)
    for index in sorted(range(len(spans)), key=lambda index: spans[index].start, reverse=True):
        limits[index] = following.get(spans[index].pitch, frames)
        following[spans[index].pitch] = spans[index].start
    return limits
