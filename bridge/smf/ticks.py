"""Time in a file: all of it comes from the file's own, rounded tempo, and is absolute before it is differenced."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from bridge.errors import BadArguments
from bridge.model import Note
from bridge.units import TICKS_PER_QUARTER

#: Microseconds of a quarter have three bytes in the file.
LONGEST_QUARTER = 0xFFFFFF


class NoteTicks(msgspec.Struct, frozen=True):
    """A note in ticks; never of length zero, never overlapping another of its pitch."""

    on: int
    off: int
    note: Note


def microseconds_per_quarter(tempo_bpm: float) -> int:
    """The tempo as a file holds it; all its ticks must be reckoned from this, not from `tempo_bpm`.

    Raises:
        BadArguments: no file can hold that tempo.
    """
    quarter = round(60e6 / tempo_bpm) if 1 < tempo_bpm < 60e6 else 0
    if not 0 < quarter <= LONGEST_QUARTER:
        raise BadArguments(f"A tempo of {tempo_bpm:g} cannot stand in a MIDI file; 4 to 1000 can.")
    return quarter


def ticks(seconds: float, quarter: int) -> int:
    """The tick nearest to `seconds`, at so many microseconds a quarter."""
    return max(0, round(seconds * 1e6 * TICKS_PER_QUARTER / quarter))


def notes_in_ticks(notes: Iterable[Note], quarter: int) -> list[NoteTicks]:
    """The notes in ticks, by onset; of two of one pitch, the earlier ends where the later starts.

    Of two that start together the longer stays.
    """
    by_pitch: dict[int, dict[int, NoteTicks]] = {}
    for note in notes:
        on = ticks(note.onset_seconds, quarter)
        strike = NoteTicks(on, max(on + 1, ticks(note.offset_seconds, quarter)), note)
        same = by_pitch.setdefault(note.pitch, {})
        if on not in same or same[on].off < strike.off:
            same[on] = strike
    found: list[NoteTicks] = []
    for same in by_pitch.values():
        line = [same[on] for on in sorted(same)]
        found += [NoteTicks(strike.on, min(strike.off, after.on), strike.note) for strike, after in pairwise(line)]
        found.append(line[-1])
    return sorted(found, key=lambda strike: (strike.on, strike.note.pitch))
