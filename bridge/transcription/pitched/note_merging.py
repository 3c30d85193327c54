"""Notes that the network broke at a semitone's border, put together again: vibrato, slides, a singer between two keys.

A vibrato crosses the border between two keys several times a second, and each crossing looks like a note. A piece that
lies on no key of its own, but beside another that it runs on from, is a piece of that note; and so is one to which the
pitch slides, through all that lies between, where the next note of a line would be reached in a leap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bridge.transcription.pitched.note_onsets import rises_db
from bridge.transcription.pitched.pitch_contour import SLIDE_SEMITONES, pitch_contour
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: A piece whose mean pitch is so far from its key lies on no key; a note that is played does not go so far astray.
ASTRAY_SEMITONES = 0.33
#: Pieces whose mean pitches are so near each other may be one note.
NEAR_SEMITONES = 0.7
#: Pieces of one vibrato lie no further apart than a half of its cycle (4 Hz and more).
GAP_FRAMES = 9
#: Of one pitch, they are only joined where the pitch moves by so much (standard deviation): repeated notes hold still.
WAVERING_SEMITONES = 0.18
#: And where it does, a new attack must be so much louder than the moment before.
STRUCK_DB = 5.0
#: Frames less probable than this say nothing about the pitch.
AUDIBLE = 0.15
#: A slide may be lost from sight for so long between two keys.
SLIDE_GAP_FRAMES = 16
#: Frames on either side of that in which it is followed.
SLIDE_AROUND_FRAMES = 8
#: It moves by no more than this from frame to frame (13 semitones a second), and so spends at least so many frames
#: between the keys: those of a legato line are three apart, at most.
SLIDE_STEP_SEMITONES = 0.3
SLIDE_FRAMES = 6
#: Where it is on a key and where between them.
ON_KEY_SEMITONES = 0.25


@dataclass
class _Piece:
    span: NoteSegment
    frames: int
    centre: float
    """Mean pitch in MIDI numbers."""
    wavering: bool
    last_pitch: int
    """The key on which it ends: another than the span's where it slides."""
    whole: bool = True
    """Nothing has been joined to it yet."""

    @property
    def astray(self) -> bool:
        return abs(self.centre - self.span.pitch) >= ASTRAY_SEMITONES


def merged(posteriors: Posteriors, spans: Sequence[NoteSegment]) -> list[NoteSegment]:
    """The spans with those that are pieces of one note joined, by start, then pitch."""
    pieces: list[_Piece] = []
    open_: list[_Piece] = []
    for span in sorted(spans, key=lambda span: (span.start, span.pitch)):
        piece = _piece(posteriors, span)
        open_ = [other for other in open_ if other.span.stop + SLIDE_GAP_FRAMES >= span.start]
        near = [other for other in open_ if _is_one_note(other, piece) or _goes_on(posteriors, other, piece)]
        slid = [] if near else [other for other in open_ if _slides_on(posteriors, other, piece)]
        if near:
            _join(min(near, key=lambda other: abs(other.centre - piece.centre)), piece)
        elif slid:
            _slide(slid[-1], piece)
        else:
            pieces.append(piece)
            open_.append(piece)
    return _without_overlaps([piece.span for piece in pieces])


def _piece(posteriors: Posteriors, span: NoteSegment) -> _Piece:
    course, probable = pitch_contour(posteriors, span.pitch, span.start, span.stop)
    heard = course[probable >= AUDIBLE]
    if len(heard) < 2:
        return _Piece(span, 1, float(span.pitch), wavering=False, last_pitch=span.pitch)
    return _Piece(
        span,
        len(heard),
        span.pitch + float(np.median(heard)),
        wavering=float(heard.std()) >= WAVERING_SEMITONES,
        last_pitch=span.pitch,
    )


def _is_one_note(first: _Piece, second: _Piece) -> bool:
    if abs(first.centre - second.centre) > NEAR_SEMITONES or second.span.start > first.span.stop + GAP_FRAMES:
        return False
    if first.span.pitch == second.span.pitch:
        return first.wavering and second.wavering and (first.astray or second.astray or not first.whole)
    return first.astray or second.astray


def _goes_on(posteriors: Posteriors, first: _Piece, second: _Piece) -> bool:
    """Whether the second is the first's vibrato, which the network took for an attack though nothing got louder."""
    if first.span.pitch != second.span.pitch or not (first.wavering and second.wavering):
        return False
    rise = rises_db(posteriors, second.span.pitch - LOWEST_PITCH, np.array([second.span.start]))
    return bool(second.span.start - first.span.stop <= 2 and rise[0] < STRUCK_DB)


def _slides_on(posteriors: Posteriors, first: _Piece, second: _Piece) -> bool:
    """Whether the pitch slides from the first to the second, step by step."""
    here, there = first.last_pitch, second.span.pitch
    low, high = min(first.span.pitch, there), max(first.span.pitch, there)
    if here == there or high - low > SLIDE_SEMITONES or second.span.stop <= first.span.stop:
        return False
    start = max(0, min(first.span.stop, second.span.start) - SLIDE_AROUND_FRAMES)
    stop = max(first.span.stop, second.span.start) + SLIDE_AROUND_FRAMES
    course, probable = pitch_contour(posteriors, here, start, min(stop, second.span.stop), SLIDE_SEMITONES + 0.5)
    steps = np.diff(course) * (1 if there > here else -1)
    between = (np.abs(course) > ON_KEY_SEMITONES) & (np.abs(course - (there - here)) > ON_KEY_SEMITONES)
    return bool(
        probable.min() >= AUDIBLE
        and np.abs(steps).max() <= SLIDE_STEP_SEMITONES
        and steps.sum() >= abs(there - here) / 2
        and np.count_nonzero(between) >= SLIDE_FRAMES
    )


def _slide(first: _Piece, second: _Piece) -> None:
    """Makes the second the way on of the first; the key is the one on which the longer part lies."""
    one, other = first.span, second.span
    longer = one if one.stop - one.start >= other.stop - other.start else other
    confidence = max(one.confidence, other.confidence)
    first.last_pitch = other.pitch
    first.span = NoteSegment(
        min(one.start, other.start), max(one.stop, other.stop), longer.pitch, confidence, slides=True
    )
    first.whole = False


def _join(first: _Piece, second: _Piece) -> None:
    """Makes the second a part of the first."""
    frames = first.frames + second.frames
    first.centre = (first.centre * first.frames + second.centre * second.frames) / frames
    first.frames = frames
    one, other = first.span, second.span
    pitch = min(max(round(first.centre), min(one.pitch, other.pitch)), max(one.pitch, other.pitch))
    start, stop = min(one.start, other.start), max(one.stop, other.stop)
    first.span = NoteSegment(start, stop, pitch, max(one.confidence, other.confidence), one.slides or other.slides)
    first.last_pitch = pitch
    first.wavering = first.wavering or second.wavering
    first.whole = False


def _without_overlaps(spans: list[NoteSegment]) -> list[NoteSegment]:
    """A note that has been given another's pitch ends that one, or goes on where it does."""
    last: dict[int, int] = {}
    kept: list[NoteSegment] = []
    for span in sorted(spans, key=lambda span: (span.start, span.pitch)):
        at = last.get(span.pitch)
        if at is not None and kept[at].stop > span.start:
            kept[at] = kept[at]._replace(stop=max(kept[at].stop, span.stop))
            continue
        last[span.pitch] = len(kept)
        kept.append(span)
    return kept
