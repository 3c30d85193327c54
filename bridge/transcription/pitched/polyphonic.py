"""Polyphonic decoding, after Bittner et al., "A Lightweight Instrument-Agnostic Model", ICASSP 2022.

A note starts at an attack and lasts while its pitch stays probable. A run of probable frames without an attack becomes
a note if it is long and no other note explains it. Works pitch by pitch on runs of frames, not frame by frame as
published.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from bridge.dsp.arrays import Bytes
from bridge.transcription.pitched.note_onsets import Attacks, attacks
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, PROBABILITY_SCALE, Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment, gaps, join, runs

#: Frames by which an attack may come before or after the first frame in which the pitch is probable.
SLACK_FRAMES = 3
#: An attack at most this many frames after the first one in which the pitch is probable is no repetition.
FIRST_FRAMES = 6
#: Least length of a note without an attack: slow attacks belong to long notes, ghosts are short.
UNATTACKED_SECONDS = 0.3
#: Overtones in semitones above the fundamental: the network's most frequent ghosts.
OVERTONES = (12, 19, 24, 28, 31, 34, 36)
#: The network also reports a lower note whose overtones sound.
UNDERTONES = (-12, -19, -24)
#: An overtone that starts together with its fundamental is a ghost if its probability, summed over its frames, is less
#: than this share of the fundamental's: ghosts are both faint and short.
GHOST_SHARE = 0.35
#: It is also a ghost if it ends with the fundamental and its mean probability is below this share.
FAINT_SHARE = 0.5
GHOST_ONSET_FRAMES = 4
#: A note without an attack that overlaps by this share with a more probable note a semitone away is its spread.
SPREAD_SHARE = 0.5


def polyphonic_segments(posteriors: Posteriors, profile: Profile) -> list[NoteSegment]:
    """All notes of a stem by start, then pitch; two of the same pitch never overlap."""
    attacked, unattacked = candidates(posteriors, profile)
    return without_overtones(attacked + without_spread(unattacked, attacked))


def candidates(posteriors: Posteriors, profile: Profile) -> tuple[list[NoteSegment], list[NoteSegment]]:
    """Candidate notes: those that start with an attack, and those without one."""
    rate = posteriors.frame_rate_hz
    shortest = max(2, round(profile.shortest_seconds * rate))
    shortest_unattacked = max(shortest, round(UNATTACKED_SECONDS * rate))
    gap = round(profile.gap_seconds * rate)
    # With more slack than the gap, notes of one pitch would overlap.
    slack = min(SLACK_FRAMES, gap)
    columns = posteriors.columns(profile.lowest, profile.highest)
    attacked: list[NoteSegment] = []
    unattacked: list[NoteSegment] = []
    for column in range(columns.start, columns.stop):
        pitch = LOWEST_PITCH + column
        probability = np.ascontiguousarray(posteriors.note[:, column])
        sounding = runs(probability >= profile.note_threshold * PROBABILITY_SCALE)
        if not len(sounding):
            continue
        onsets = attacks(posteriors, column, profile.onset_threshold, shortest, strict=not profile.rings)
        for first, last in join(sounding, gaps(sounding) > gap).tolist():
            starts = _starts(onsets, first, last, slack)
            first_onset = starts[0] if starts else last
            if first_onset - first > slack:
                unattacked += _segment(probability, first, first_onset, pitch, shortest_unattacked)
            for start, stop in pairwise([*starts, last]):
                attacked += _segment(probability, start, stop, pitch, shortest)
    return attacked, unattacked


def without_overtones(segments: list[NoteSegment]) -> list[NoteSegment]:
    """The segments that are not overtones of another, by start, then pitch."""
    ordered = sorted(segments, key=lambda segment: (segment.start, segment.pitch))
    by_pitch: dict[int, list[NoteSegment]] = {}
    for segment in ordered:
        by_pitch.setdefault(segment.pitch, []).append(segment)
    return [
        segment
        for segment in ordered
        if not any(
            _is_overtone(segment, other)
            for interval in (*OVERTONES, *UNDERTONES)
            for other in _with_same_start(segment, by_pitch.get(segment.pitch - interval, []))
        )
    ]


def without_spread(unattacked: list[NoteSegment], attacked: list[NoteSegment]) -> list[NoteSegment]:
    """The segments without an attack that are not the spread of a more probable note a semitone away."""
    by_pitch: dict[int, list[NoteSegment]] = {}
    for segment in (*attacked, *unattacked):
        by_pitch.setdefault(segment.pitch, []).append(segment)
    return [
        segment
        for segment in unattacked
        if not any(
            _is_spread(segment, other)
            for pitch in (segment.pitch - 1, segment.pitch + 1)
            for other in by_pitch.get(pitch, ())
        )
    ]


def _with_same_start(segment: NoteSegment, others: list[NoteSegment]) -> list[NoteSegment]:
    """Those of `others`, sorted by start, that start together with the segment."""
    first = bisect_left(others, segment.start - GHOST_ONSET_FRAMES, key=_start)
    return others[first : bisect_left(others, segment.start + GHOST_ONSET_FRAMES + 1, key=_start)]


def _start(segment: NoteSegment) -> int:
    return segment.start


def _is_overtone(segment: NoteSegment, other: NoteSegment) -> bool:
    share = segment.confidence / max(other.confidence, 1e-6)
    if share * (segment.stop - segment.start) < GHOST_SHARE * (other.stop - other.start):
        return share < 1.0
    return share < FAINT_SHARE and segment.stop <= other.stop + GHOST_ONSET_FRAMES


def _is_spread(segment: NoteSegment, other: NoteSegment) -> bool:
    shared = min(segment.stop, other.stop) - max(segment.start, other.start)
    return other.confidence > segment.confidence and shared >= SPREAD_SHARE * (segment.stop - segment.start)


def _starts(onsets: Attacks, first: int, last: int, slack: int) -> list[int]:
    """The attacks that start notes in the run of frames from `first` to `last`: one near its beginning, and any that
    repeats the pitch later."""
    inside = range(bisect_left(onsets.frames, first - slack), bisect_left(onsets.frames, last))
    return [
        onsets.frames[index]
        for index in inside
        if onsets.repeats[index] or (index == inside.start and onsets.frames[index] <= first + FIRST_FRAMES)
    ]


def _segment(probability: Bytes, start: int, stop: int, pitch: int, shortest: int) -> list[NoteSegment]:
    """The segment, or none where it is too short."""
    if stop - start < shortest:
        return []
    return [NoteSegment(start, stop, pitch, float(probability[start:stop].mean()) / PROBABILITY_SCALE)]
