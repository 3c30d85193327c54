"""Time in a file: ticks are computed from the file's own, rounded tempo, as absolute times before deltas are taken."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from bridge.errors import BadArguments
from bridge.model import Note
from bridge.units import TICKS_PER_QUARTER

#: The file stores microseconds per quarter note in three bytes.
LONGEST_QUARTER = 0xFFFFFF


class NoteTicks(msgspec.Struct, frozen=True):
    """A note with its start and end in ticks; at least one tick long, never overlapping another of its pitch."""

    on: int
    off: int
    note: Note


def microseconds_per_quarter(tempo_bpm: float) -> int:
    """The tempo as a file stores it; ticks must be computed from this, not from `tempo_bpm`.

    Raises:
        BadArguments: a MIDI file cannot store that tempo.
    """
    quarter = round(60e6 / tempo_bpm) if 1 < tempo_bpm < 60e6 else 0
    if not 0 < quarter <= LONGEST_QUARTER:
        raise BadArguments(f"A MIDI file cannot store a tempo of {tempo_bpm:g}; choose one from 4 to 1000.")
    return quarter


def ticks(seconds: float, quarter: int) -> int:
    """The tick nearest to `seconds`, at `quarter` microseconds per quarter note."""
    return max(0, round(seconds * 1e6 * TICKS_PER_QUARTER / quarter))


def notes_in_ticks(notes: Iterable[Note], quarter: int) -> list[NoteTicks]:
    """The notes in ticks, by onset; a note is cut where the next one of its pitch starts.

    Of several that start together the longest is kept.
    """
    by_pitch: dict[int, dict[int, NoteTicks]] = {}
    for note in notes:
        on = ticks(note.onset_seconds, quarter)
        timed_note = NoteTicks(on, max(on + 1, ticks(note.offset_seconds, quarter)), note)
        same = by_pitch.setdefault(note.pitch, {})
        if on not in same or same[on].off < timed_note.off:
            same[on] = timed_note
    found: list[NoteTicks] = []
    for same in by_pitch.values():
        line = [same[on] for on in sorted(same)]
        found += [
            NoteTicks(timed_note.on, min(timed_note.off, after.on), timed_note.note)
            for timed_note, after in pairwise(line)
        ]
        found.append(line[-1])
    return sorted(found, key=lambda timed_note: (timed_note.on, timed_note.note.pitch))
