"""Note offsets: when each note is released. The network's own offsets are late; it follows a note while it decays.

The earliest of three signs counts, each found in the envelope of the note's own partials: a knee, where the envelope
turns from holding or slow decay to a fast fall (two straight lines fitted by least squares); a lasting fall below its
sustain level; and a lasting fall that begins at the onset of another note.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels
from bridge.transcription.pitched.partials import PartialBands, envelopes_db
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.segments import NoteSegment

Frames = npt.NDArray[np.intp]

#: The attack ends, and the envelope peaks, within this many frames.
ATTACK_FRAMES = 8
#: Frames after the network's offset that are included, to follow the fall.
BEYOND_FRAMES = 10
#: Below its peak by this much, a note no longer sounds.
DEPTH_DB = 35.0
#: The fall after a knee: least slope, least change of slope, least depth.
FALL_DB_PER_SECOND = 50.0
STEEPER_DB_PER_SECOND = 40.0
FALL_DB = 3.0
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
KNEE_FRAMES = 1
SHORTEST_FRAMES = 4
#: Notes are processed in groups of similar length, in frames; of longer notes only the end.
LENGTHS = (32, 64, 128, 256, 512, 1024)
#: Frames of all notes that are processed at once, which bounds memory for long stems.
FRAMES_AT_ONCE = 1 << 16


def with_offsets(posteriors: Posteriors, segments: Sequence[NoteSegment], bands: PartialBands) -> list[NoteSegment]:
    """The segments, each ending where it is released; none gets longer.

    Args:
        bands: each segment's own partials, (segments, partials).
    """
    if not segments:
        return []
    starts = np.array([segment.start for segment in segments], np.intp)
    stops = np.array([segment.stop for segment in segments], np.intp)
    onsets = np.zeros(posteriors.frames + 1, np.bool_)
    onsets[starts] = True
    lengths = stops - starts
    ends = stops.copy()
    limits = _next_of_same_pitch(segments, posteriors.frames)
    for shorter, longest in zip((0, *LENGTHS[:-1]), LENGTHS, strict=True):
        of_length = np.flatnonzero((lengths > shorter) & ((lengths <= longest) | (longest == LENGTHS[-1])))
        for batch in np.split(of_length, range(FRAMES_AT_ONCE // longest, len(of_length), FRAMES_AT_ONCE // longest)):
            if not len(batch):
                continue
            first = np.maximum(starts[batch], stops[batch] - longest)
            frames = first[:, np.newaxis] + np.arange(longest + BEYOND_FRAMES)
            envelopes = envelopes_db(posteriors.level, bands[batch], frames)
            valid_frames = np.minimum(limits[batch], stops[batch] + BEYOND_FRAMES) - first
            others = onsets[np.minimum(frames, posteriors.frames)]
            ends[batch] = first + note_ends(
                envelopes, valid_frames, stops[batch] - first, others, posteriors.frame_rate_hz
            )
    kept = np.clip(ends, np.minimum(starts + 2, stops), stops).tolist()
    return [segment._replace(stop=stop) for segment, stop in zip(segments, kept, strict=True)]


def note_ends(
    envelopes: Decibels, valid_frames: Frames, stops: Frames, onsets: npt.NDArray[np.bool_], rate_hz: float
) -> Frames:
    """The frame at which each note ends, never after its stop: (notes,).

    Args:
        envelopes: levels in dB from the note's start on, (notes, times).
        valid_frames: how many frames of each envelope count, (notes,); later ones belong to another note.
        stops: the network's offsets, (notes,).
        onsets: whether any note starts in that frame, (notes, times).
    """
    times = np.arange(envelopes.shape[1])
    valid = times < valid_frames[:, np.newaxis]
    envelopes = _smoothed(
        np.where(valid, envelopes, np.take_along_axis(envelopes, np.maximum(valid_frames, 1)[:, None] - 1, 1))
    )
    peak = np.where(valid[:, :ATTACK_FRAMES], envelopes[:, :ATTACK_FRAMES], -np.inf).argmax(axis=1)
    after_peak = valid & (times >= peak[:, np.newaxis])
    loudest = np.where(after_peak, envelopes, -np.inf).max(axis=1)
    audible = after_peak & (envelopes >= (loudest - DEPTH_DB)[:, np.newaxis])
    audible_stop = np.minimum(valid_frames, np.maximum(_last(audible) + 3, np.minimum(peak + 4, valid_frames)))
    ends = np.minimum(stops, audible_stop)
    ends = np.minimum(ends, _knee(envelopes, peak, audible_stop, rate_hz))
    ends = np.minimum(ends, _below_sustain(envelopes, peak, stops, valid_frames))
    return np.asarray(np.minimum(ends, _fall_at_onset(envelopes, onsets, audible_stop, ends, rate_hz)))


def _knee(envelopes: Decibels, first: Frames, audible_stop: Frames, rate_hz: float) -> Frames:
    """Where each envelope turns from holding to falling fast; its length where it does not: (notes,).

    If the first knee is the decay from a loud attack to a quieter sustain, the search continues after it.
    """
    count, length = envelopes.shape
    sums = _RunningSums(envelopes)
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


def _below_sustain(envelopes: Decibels, peak: Frames, stops: Frames, valid_frames: Frames) -> Frames:
    """Where each envelope finally leaves its sustain level, the mean of its first half; its length where it does not.

    Shape (notes,).
    """
    count, length = envelopes.shape
    times = np.arange(length)
    middle = np.maximum(peak + 3, (peak + stops) // 2)[:, np.newaxis]
    early = (times >= peak[:, np.newaxis]) & (times < middle)
    sustain = np.where(early, envelopes, 0.0).sum(axis=1) / np.maximum(early.sum(axis=1), 1)
    within = times < valid_frames[:, np.newaxis]
    last = _last(within & (envelopes >= (sustain - BELOW_SUSTAIN_DB)[:, np.newaxis]))
    rows = np.arange(count)
    later = np.minimum(last + STILL_FALLING_FRAMES, np.maximum(valid_frames, 1) - 1)
    fall = envelopes[rows, last] - envelopes[rows, later]
    ago = BELOW_SUSTAIN_DB * (later - last) / np.maximum(fall, STILL_FALLING_DB) - LINGER_FRAMES
    ago = np.clip(np.rint(ago), 0, LONGEST_FALL_FRAMES).astype(np.intp)
    return np.asarray(np.where(fall > STILL_FALLING_DB, last + 1 - ago, length))


def _fall_at_onset(
    envelopes: Decibels, onsets: npt.NDArray[np.bool_], audible_stop: Frames, ends: Frames, rate_hz: float
) -> Frames:
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


class _RunningSums:
    """Running sums over each envelope, with which a line fit over any range costs a few subtractions."""

    def __init__(self, envelopes: Decibels) -> None:
        length = envelopes.shape[1]
        level = envelopes.astype(np.float64) + 60.0  # near 0: the sums of squares stay small
        time = np.arange(length, dtype=np.float64)
        self._time = np.append(0.0, np.cumsum(time))
        self._time_squared = np.append(0.0, np.cumsum(time * time))
        self._level = np.pad(np.cumsum(level, axis=1), ((0, 0), (1, 0)))
        self._level_squared = np.pad(np.cumsum(level * level, axis=1), ((0, 0), (1, 0)))
        self._both = np.pad(np.cumsum(level * time, axis=1), ((0, 0), (1, 0)))

    def line(self, start: Frames, stop: Frames) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Sum of squared errors and slope (dB per frame) of the least-squares line through frames `start` to `stop`."""

        def total(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            if sums.ndim == 1:
                return sums[stop] - sums[start]
            return np.take_along_axis(sums, _broadcast(stop, sums), 1) - np.take_along_axis(
                sums, _broadcast(start, sums), 1
            )

        number = np.maximum(stop - start, 1).astype(np.float64)
        time, level = total(self._time), total(self._level)
        spread = np.maximum(total(self._time_squared) - time * time / number, 1e-9)
        together = total(self._both) - time * level / number
        error = total(self._level_squared) - level * level / number - together * together / spread
        return np.maximum(error, 0.0), together / spread


def _broadcast(index: Frames, sums: npt.NDArray[np.float64]) -> Frames:
    return np.broadcast_to(index, (len(sums), index.shape[1]))


def _smoothed(envelopes: Decibels) -> Decibels:
    padded = np.pad(envelopes, ((0, 0), (1, 1)), mode="edge")
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def _delayed(envelopes: Decibels, by: int) -> Decibels:
    return np.concatenate((envelopes[:, :1].repeat(by, axis=1), envelopes[:, :-by]), axis=1)


def _last(flags: npt.NDArray[np.bool_]) -> Frames:
    """The index of the last True of each row; 0 where there is none."""
    found = flags.shape[1] - 1 - flags[:, ::-1].argmax(axis=1)
    return np.where(flags.any(axis=1), found, 0)


def _next_of_same_pitch(segments: Sequence[NoteSegment], frames: int) -> Frames:
    """The frame where the next segment of the same pitch starts, or the clip ends: (segments,)."""
    following: dict[int, int] = {}
    limits = np.full(len(segments), frames, np.intp)
    for index in sorted(range(len(segments)), key=lambda index: segments[index].start, reverse=True):
        limits[index] = following.get(segments[index].pitch, frames)
        following[segments[index].pitch] = segments[index].start
    return limits
