"""Removes overlaps between notes of one pitch: a key can only be down once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from bridge.model import Note

#: Players with less overlap than this share of their sound play one line.
LINE_OVERLAP = 0.08


def without_overlaps(notes: Iterable[Note]) -> list[Note]:
    """The notes by onset, then pitch; a note is cut where the next one of its pitch starts, along with its bends.

    Of several that start together the longest is kept.
    """
    by_pitch: dict[int, dict[float, Note]] = {}
    for note in notes:
        same = by_pitch.setdefault(note.pitch, {})
        if note.onset_seconds not in same or same[note.onset_seconds].offset_seconds < note.offset_seconds:
            same[note.onset_seconds] = note
    lines = ([same[onset] for onset in sorted(same)] for same in by_pitch.values())
    kept = [note for line in lines for note in _in_line(line)]
    return sorted(kept, key=lambda note: (note.onset_seconds, note.pitch))


def is_line(notes: Sequence[Note]) -> bool:
    """Whether hardly two notes sound at once: the next one may start while one still rings."""
    sounding = sum(note.offset_seconds - note.onset_seconds for note in notes)
    latest, shared = 0.0, 0.0
    for note in sorted(notes, key=lambda note: note.onset_seconds):
        shared += max(0.0, min(latest, note.offset_seconds) - note.onset_seconds)
        latest = max(latest, note.offset_seconds)
    return shared <= LINE_OVERLAP * sounding


def ending_by(note: Note, seconds: float) -> Note:
    """The note, cut at `seconds` if it ends later."""
    return note if note.offset_seconds <= seconds else ending_at(note, seconds)


def ending_at(note: Note, seconds: float) -> Note:
    """The note, lengthened or cut to end at `seconds`, which must lie after its onset."""
    bends = tuple(bend for bend in note.bends if bend.time_seconds < seconds)
    return msgspec.structs.replace(note, offset_seconds=seconds, bends=bends)


def _in_line(line: list[Note]) -> list[Note]:
    return [*(ending_by(note, after.onset_seconds) for note, after in pairwise(line)), *line[-1:]]
