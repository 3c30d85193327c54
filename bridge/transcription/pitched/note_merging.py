"""Joins notes that the network split at a semitone boundary: vibrato, slides, a singer between two keys.

A vibrato crosses the boundary between two keys several times a second, and each crossing looks like a note. A fragment
is joined to the one before if it lies off its key and its pitch is close to the other's, or if the pitch slides to it
continuously; the next note of a line is reached in a leap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.transcription.pitched.note_onsets import rises_db
from bridge.transcription.pitched.pitch_contour import SLIDE_SEMITONES, pitch_contour
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: A fragment whose mean pitch is this far from its key is off key; a played note does not go this far.
OFF_KEY_SEMITONES = 0.33
#: Fragments whose mean pitches are this close may be one note.
NEAR_SEMITONES = 0.7
#: Largest gap between fragments of one vibrato: half a cycle at 4 Hz.
GAP_FRAMES = 9
#: Fragments on one key are only joined if their pitch varies this much (standard deviation): repeated notes are steady.
VIBRATO_SEMITONES = 0.18
#: … and a rise in level by this much between them is a new attack.
ATTACK_DB = 5.0
#: Frames less probable than this are ignored.
AUDIBLE = 0.15
#: Largest gap between the fragments of a slide.
SLIDE_GAP_FRAMES = 16
#: Frames on either side of the gap in which the pitch contour is followed.
SLIDE_AROUND_FRAMES = 8
#: A slide moves by at most this much per frame (26 semitones a second), and has at least this many frames between the
#: keys; a note change in a legato line has three at most.
SLIDE_STEP_SEMITONES = 0.3
SLIDE_FRAMES = 6
#: Closer to a key than this, the contour is on it; further away, it is between keys.
ON_KEY_SEMITONES = 0.25


@dataclass
class _Fragment:
    segment: NoteSegment
    frames: int
    centre: float
    """Mean pitch in MIDI numbers."""
    has_vibrato: bool
    last_pitch: int
    """The key on which it ends; differs from the segment's pitch after a slide."""
    unmerged: bool = True
    """No fragment has been joined to it yet."""

    @property
    def off_key(self) -> bool:
        return abs(self.centre - self.segment.pitch) >= OFF_KEY_SEMITONES


def merged(posteriors: Posteriors, segments: Sequence[NoteSegment]) -> list[NoteSegment]:
    """The segments, fragments of one note joined, by start, then pitch."""
    fragments: list[_Fragment] = []
    open_: list[_Fragment] = []
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.pitch)):
        fragment = _fragment(posteriors, segment)
        open_ = [other for other in open_ if other.segment.stop + SLIDE_GAP_FRAMES >= segment.start]
        near = [
            other for other in open_ if _is_one_note(other, fragment) or _continues_vibrato(posteriors, other, fragment)
        ]
        sliding = [] if near else [other for other in open_ if _slides_to(posteriors, other, fragment)]
        if near:
            _join(min(near, key=lambda other: abs(other.centre - fragment.centre)), fragment)
        elif sliding:
            _join_slide(sliding[-1], fragment)
        else:
            fragments.append(fragment)
            open_.append(fragment)
    return _without_overlaps([fragment.segment for fragment in fragments])


def _fragment(posteriors: Posteriors, segment: NoteSegment) -> _Fragment:
    contour, probable = pitch_contour(posteriors, segment.pitch, segment.start, segment.stop)
    audible = contour[probable >= AUDIBLE]
    if len(audible) < 2:
        return _Fragment(segment, 1, float(segment.pitch), has_vibrato=False, last_pitch=segment.pitch)
    return _Fragment(
        segment,
        len(audible),
        segment.pitch + float(np.median(audible)),
        has_vibrato=float(audible.std()) >= VIBRATO_SEMITONES,
        last_pitch=segment.pitch,
    )


def _is_one_note(first: _Fragment, second: _Fragment) -> bool:
    if abs(first.centre - second.centre) > NEAR_SEMITONES or second.segment.start > first.segment.stop + GAP_FRAMES:
        return False
    if first.segment.pitch == second.segment.pitch:
        return first.has_vibrato and second.has_vibrato and (first.off_key or second.off_key or not first.unmerged)
    return first.off_key or second.off_key


def _continues_vibrato(posteriors: Posteriors, first: _Fragment, second: _Fragment) -> bool:
    """Whether the second continues the first's vibrato: the network found an attack, but the level does not rise."""
    if first.segment.pitch != second.segment.pitch or not (first.has_vibrato and second.has_vibrato):
        return False
    rise = rises_db(posteriors, second.segment.pitch - LOWEST_PITCH, np.array([second.segment.start]))
    return bool(second.segment.start - first.segment.stop <= 2 and rise[0] < ATTACK_DB)


def _slides_to(posteriors: Posteriors, first: _Fragment, second: _Fragment) -> bool:
    """Whether the pitch slides continuously from the first to the second."""
    here, there = first.last_pitch, second.segment.pitch
    low, high = min(first.segment.pitch, there), max(first.segment.pitch, there)
    if here == there or high - low > SLIDE_SEMITONES or second.segment.stop <= first.segment.stop:
        return False
    start = max(0, min(first.segment.stop, second.segment.start) - SLIDE_AROUND_FRAMES)
    stop = max(first.segment.stop, second.segment.start) + SLIDE_AROUND_FRAMES
    contour, probable = pitch_contour(posteriors, here, start, min(stop, second.segment.stop), SLIDE_SEMITONES + 0.5)
    steps = np.diff(contour) * (1 if there > here else -1)
    between = (np.abs(contour) > ON_KEY_SEMITONES) & (np.abs(contour - (there - here)) > ON_KEY_SEMITONES)
    return bool(
        probable.min() >= AUDIBLE
        and np.abs(steps).max() <= SLIDE_STEP_SEMITONES
        and steps.sum() >= abs(there - here) / 2
        and np.count_nonzero(between) >= SLIDE_FRAMES
    )


def _join_slide(first: _Fragment, second: _Fragment) -> None:
    """Joins the second to the first as a slide; the pitch is that of the longer one."""
    one, other = first.segment, second.segment
    longer = one if one.stop - one.start >= other.stop - other.start else other
    confidence = max(one.confidence, other.confidence)
    first.last_pitch = other.pitch
    first.segment = NoteSegment(
        min(one.start, other.start), max(one.stop, other.stop), longer.pitch, confidence, slides=True
    )
    first.unmerged = False


def _join(first: _Fragment, second: _Fragment) -> None:
    """Joins the second to the first."""
    frames = first.frames + second.frames
    first.centre = (first.centre * first.frames + second.centre * second.frames) / frames
    first.frames = frames
    one, other = first.segment, second.segment
    pitch = min(max(round(first.centre), min(one.pitch, other.pitch)), max(one.pitch, other.pitch))
    start, stop = min(one.start, other.start), max(one.stop, other.stop)
    first.segment = NoteSegment(start, stop, pitch, max(one.confidence, other.confidence), one.slides or other.slides)
    first.last_pitch = pitch
    first.has_vibrato = first.has_vibrato or second.has_vibrato
    first.unmerged = False


def _without_overlaps(segments: list[NoteSegment]) -> list[NoteSegment]:
    """The segments, by start, then pitch; of one pitch, those that overlap after joining become one."""
    last: dict[int, int] = {}
    kept: list[NoteSegment] = []
    for segment in sorted(segments, key=lambda segment: (segment.start, segment.pitch)):
        at = last.get(segment.pitch)
        if at is not None and kept[at].stop > segment.start:
            kept[at] = kept[at]._replace(stop=max(kept[at].stop, segment.stop))
            continue
        last[segment.pitch] = len(kept)
        kept.append(segment)
    return kept
