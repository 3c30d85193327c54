"""What a roll shows, and which part of it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from bridge.model import Chord, Music, Note
from bridge.stems import stem_of

#: The fewest pitches that are shown, so that a line of few tones still looks like one.
FEWEST_PITCHES = 12


class PartNotes:
    """The notes of one stem, which are found by the time at which they sound."""

    def __init__(self, stem: str, notes: Iterable[Note]) -> None:
        self.stem = stem
        self.is_pitched = stem_of(stem).is_pitched
        self.notes = sorted(notes, key=lambda note: note.onset_seconds)
        self._onsets = [note.onset_seconds for note in self.notes]
        self._longest = max((note.offset_seconds - note.onset_seconds for note in self.notes), default=0.0)

    def sounding(self, start_seconds: float, end_seconds: float) -> list[Note]:
        """The notes that sound between two times, by onset."""
        first = bisect_left(self._onsets, start_seconds - self._longest)
        last = bisect_left(self._onsets, end_seconds)
        return [note for note in self.notes[first:last] if note.offset_seconds > start_seconds]


@dataclass(frozen=True)
class Roll:
    """The notes of a clip."""

    parts: tuple[PartNotes, ...]
    seconds: float
    """Length of the clip."""
    music: Music | None = None
    """Where its bars are; None: unknown."""
    chords: tuple[Chord, ...] = ()
    known_seconds: float = math.inf
    """How far the notes are known."""
    chosen: str = ""
    """The stem that stands out; empty: all do."""

    @cached_property
    def pitches(self) -> tuple[int, int]:
        """The lowest and the highest pitch of the chosen stem, or of all, at least an octave apart."""
        chosen = [part for part in self.parts if part.is_pitched and part.stem in (self.chosen or part.stem)]
        found = [note.pitch for part in chosen or self.parts if part.is_pitched for note in part.notes]
        if not found:
            return 54, 66
        lowest, highest = min(found), max(found)
        missing = max(0, FEWEST_PITCHES - (highest - lowest))
        lowest = max(0, lowest - missing // 2)
        return lowest, min(127, max(highest, lowest + FEWEST_PITCHES))

    @cached_property
    def drum_keys(self) -> tuple[int, ...]:
        """The percussion keys that are struck, from low to high."""
        drums = [part for part in self.parts if not part.is_pitched]
        return tuple(sorted({note.pitch for part in drums for note in part.notes}))


@dataclass(frozen=True)
class RollWindow:
    """The part of a roll that is drawn, and how large."""

    start_seconds: float
    end_seconds: float
    """Later than the start."""
    columns: int
    """Terminal cells, with the margin of names at the left."""
    rows: int
    """Lines, with the lines of bars and chords."""

    def moved_by(self, seconds: float) -> RollWindow:
        return replace(self, start_seconds=self.start_seconds + seconds, end_seconds=self.end_seconds + seconds)


def parts_of(notes: Iterable[tuple[str, Sequence[Note]]]) -> tuple[PartNotes, ...]:
    """The parts of stems with their notes."""
    return tuple(PartNotes(stem, found) for stem, found in notes)
