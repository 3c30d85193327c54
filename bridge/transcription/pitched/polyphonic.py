"""Every note that sounds, many at once: after Bittner et al., "A Lightweight Instrument-Agnostic Model", ICASSP 2022.

Attacks start notes, which last while their pitch stays probable; what is left over without an attack becomes a note of
its own where it lasts and nothing explains it better. Pitch by pitch on runs of frames, not frame by frame as
published.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise

import numpy as np

from bridge.dsp.arrays import Bytes
from bridge.transcription.pitched.note_onsets import attacks
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, SURE, Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment, gaps, join, runs

#: Frames by which an attack may come before the first frame in which the pitch is probable, or after it.
SLACK_FRAMES = 3
#: What has no attack must last so long to be a note: slow attacks belong to long notes, ghosts are short.
LEFT_OVER_SECONDS = 0.3
#: Overtones of a note, in semitones above it: they are the network's most frequent ghosts.
OVERTONES = (12, 19, 24, 28, 31, 34, 36)
#: And where only the overtones of a lower note are heard, the network takes them for that note.
UNDERTONES = (-12, -19, -24)
#: An overtone that starts with its fundamental, or while that sounds, is no note if its probability, summed over its
#: frames, is less than this share of the fundamental's: ghosts are both faint and short.
GHOST_SHARE = 0.35
#: And it is none if it also ends with the fundamental and is less probable than this share.
FAINT_SHARE = 0.5
GHOST_ONSET_FRAMES = 4
#: What has no attack and lies for this share of it beside a more probable note, a semitone off, is that note's spread.
SPREAD_SHARE = 0.5


def polyphonic_segments(posteriors: Posteriors, profile: Profile) -> list[NoteSegment]:
    """All notes of a stem by start, then pitch; two of the same pitch never overlap."""
    struck, left_over = candidates(posteriors, profile)
    return without_overtones(struck + without_spread(left_over, struck))


def candidates(posteriors: Posteriors, profile: Profile) -> tuple[list[NoteSegment], list[NoteSegment]]:
    """What may be notes: those that start with an attack, and those that are left over."""
    rate = posteriors.frame_rate_hz
    shortest = max(2, round(profile.shortest_seconds * rate))
    shortest_left_over = max(shortest, round(LEFT_OVER_SECONDS * rate))
    gap = round(profile.gap_seconds * rate)
    # No further than the gap: notes of one pitch would overlap.
    slack = min(SLACK_FRAMES, gap)
    columns = posteriors.columns(profile.lowest, profile.highest)
    struck: list[NoteSegment] = []
    left_over: list[NoteSegment] = []
    for column in range(columns.start, columns.stop):
        pitch = LOWEST_PITCH + column
        believed = np.ascontiguousarray(posteriors.note[:, column])
        sounding = runs(believed >= profile.note_threshold * SURE)
        if not len(sounding):
            continue
        begun = attacks(posteriors, column, profile.onset_threshold, shortest)
        for first, last in join(sounding, gaps(sounding) > gap).tolist():
            starts = begun[bisect_left(begun, first - slack) : bisect_left(begun, last)]
            head = starts[0] if starts else last
            if head - first > slack:
                left_over += _span(believed, first, head, pitch, shortest_left_over)
            for start, stop in pairwise([*starts, last]):
                struck += _span(believed, start, stop, pitch, shortest)
    return struck, left_over


def without_overtones(spans: list[NoteSegment]) -> list[NoteSegment]:
    """The spans without those that are another's overtone, by start, then pitch."""
    ordered = sorted(spans, key=lambda span: (span.start, span.pitch))
    by_pitch: dict[int, list[NoteSegment]] = {}
    for span in ordered:
        by_pitch.setdefault(span.pitch, []).append(span)
    return [
        span
        for span in ordered
        if not any(
            _is_overtone(span, other)
            for interval in (*OVERTONES, *UNDERTONES)
            for other in _started_with(span, by_pitch.get(span.pitch - interval, []))
        )
    ]


def without_spread(left_over: list[NoteSegment], struck: list[NoteSegment]) -> list[NoteSegment]:
    """What is left over without what only accompanies a more probable note one semitone off."""
    by_pitch: dict[int, list[NoteSegment]] = {}
    for span in (*struck, *left_over):
        by_pitch.setdefault(span.pitch, []).append(span)
    return [
        span
        for span in left_over
        if not any(
            _is_spread(span, other) for pitch in (span.pitch - 1, span.pitch + 1) for other in by_pitch.get(pitch, ())
        )
    ]


def _started_with(span: NoteSegment, others: list[NoteSegment]) -> list[NoteSegment]:
    """Those of `others`, which lie by start, that start when the span does."""
    first = bisect_left(others, span.start - GHOST_ONSET_FRAMES, key=_start)
    return others[first : bisect_left(others, span.start + GHOST_ONSET_FRAMES + 1, key=_start)]


def _start(span: NoteSegment) -> int:
    return span.start


def _is_overtone(span: NoteSegment, other: NoteSegment) -> bool:
    share = span.confidence / max(other.confidence, 1e-6)
    if share * (span.stop - span.start) < GHOST_SHARE * (other.stop - other.start):
        return share < 1.0
    return share < FAINT_SHARE and span.stop <= other.stop + GHOST_ONSET_FRAMES


def _is_spread(span: NoteSegment, other: NoteSegment) -> bool:
    shared = min(span.stop, other.stop) - max(span.start, other.start)
    return other.confidence > span.confidence and shared >= SPREAD_SHARE * (span.stop - span.start)


def _span(believed: Bytes, start: int, stop: int, pitch: int, shortest: int) -> list[NoteSegment]:
    """The span, or nothing where it is too short."""
    if stop - start < shortest:
        return []
    return [NoteSegment(start, stop, pitch, float(believed[start:stop].mean()) / SURE)]
