"""Note offsets: when each note is released. The network's own offsets are late; it follows a note while it decays.

The earliest sign of `offset_cues` counts, each found in the envelope of the note's own partials. Under a pedal or in a
wet room there is none: where most notes show no release, each ends where the next one of its voice begins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels, Indices
from bridge.transcription.legato import CHORD_SECONDS, voice_ends
from bridge.transcription.pitched.offsets.offset_cues import below_sustain, fall_at_onset, knee, last_of
from bridge.transcription.pitched.partials import PartialBands, envelopes_db
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: The attack ends, and the envelope peaks, within this many frames.
ATTACK_FRAMES = 8
#: Frames after the network's offset that are included, to follow the fall.
BEYOND_FRAMES = 10
#: Below its peak by this much, a note no longer sounds.
DEPTH_DB = 35.0
#: Notes are processed in groups of similar length, in frames; of longer notes only the end.
LENGTHS = (32, 64, 128, 256, 512, 1024)
#: Frames of all notes that are processed at once, which bounds memory for long stems.
FRAMES_AT_ONCE = 1 << 16
#: A release is seen if a note ends more than this many frames before the network's offset.
SEEN_FRAMES = 1
#: Notes ring where at least this share of those that start within this time of them shows no release.
RINGING_SHARE = 0.6
AROUND_SECONDS = 4.0
#: A ringing note reaches the next one of its voice if it seems to end this much earlier: a share of it, and seconds.
EARLY_SHARE, EARLY_SECONDS = 0.1, 0.03


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


def with_voice_ends(
    network: Sequence[NoteSegment], released: Sequence[NoteSegment], rate_hz: float
) -> list[NoteSegment]:
    """The released segments; those that ring end at the next note of their voice.

    Args:
        network: the same segments with the network's offsets.
    """
    if not released:
        return []
    order = np.argsort([segment.start for segment in released], kind="stable")
    starts, stops, pitches, late = np.array(
        [(one.start, one.stop, one.pitch, other.stop - one.stop) for one, other in zip(released, network, strict=True)],
        np.intp,
    )[order].T
    onsets, offsets = starts / rate_hz, stops / rate_hz
    unseen = np.append(0, np.cumsum(late <= SEEN_FRAMES))
    first = np.searchsorted(onsets, onsets - AROUND_SECONDS)
    last = np.searchsorted(onsets, onsets + AROUND_SECONDS)
    ringing = unseen[last] - unseen[first] >= RINGING_SHARE * (last - first)
    lengths = offsets - onsets
    latest = offsets + np.where(lengths < CHORD_SECONDS, 0.0, EARLY_SHARE * lengths + EARLY_SECONDS)
    ends = voice_ends(onsets, offsets, pitches, onsets, np.where(ringing, latest, -np.inf))
    found = np.empty_like(stops)
    found[order] = np.maximum(np.rint(ends * rate_hz).astype(np.intp), np.minimum(starts + 2, stops))
    return [segment._replace(stop=stop) for segment, stop in zip(released, found.tolist(), strict=True)]


def note_ends(
    envelopes: Decibels, valid_frames: Indices, stops: Indices, onsets: npt.NDArray[np.bool_], rate_hz: float
) -> Indices:
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
    audible_stop = np.minimum(valid_frames, np.maximum(last_of(audible) + 3, np.minimum(peak + 4, valid_frames)))
    ends = np.minimum(stops, audible_stop)
    ends = np.minimum(ends, knee(envelopes, peak, audible_stop, rate_hz))
    ends = np.minimum(ends, below_sustain(envelopes, peak, stops, valid_frames))
    return np.asarray(np.minimum(ends, fall_at_onset(envelopes, onsets, audible_stop, ends, rate_hz)))


def _smoothed(envelopes: Decibels) -> Decibels:
    padded = np.pad(envelopes, ((0, 0), (1, 1)), mode="edge")
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def _next_of_same_pitch(segments: Sequence[NoteSegment], frames: int) -> Indices:
    """The frame where the next segment of the same pitch starts, or the clip ends: (segments,)."""
    following: dict[int, int] = {}
    limits = np.full(len(segments), frames, np.intp)
    for index in sorted(range(len(segments)), key=lambda index: segments[index].start, reverse=True):
        limits[index] = following.get(segments[index].pitch, frames)
        following[segments[index].pitch] = segments[index].start
    return limits
