"""A tempo that changes: where each beat of a clip lies in quarter notes, and notes as they would be at one tempo.

Whatever needs a grid (quantising, files in ticks, pictures in bars) works in straight time: the same notes as if
every quarter note had the same length.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence

import msgspec

from bridge.model import Bend, Chord, Note, TempoPoint


class TempoMap:
    """The map of a clip: linear between its points, of which there is at least one, and beyond them."""

    def __init__(self, points: Sequence[TempoPoint]) -> None:
        self._points = points
        self._seconds = [point.seconds for point in points]
        self._quarters = [point.quarters for point in points]

    def quarters(self, seconds: float) -> float:
        """The position at a time, in quarter notes from the clip's start."""
        point = self._points[max(0, bisect_right(self._seconds, seconds) - 1)]
        return point.quarters + (seconds - point.seconds) * point.bpm / 60

    def seconds(self, quarters: float) -> float:
        """The inverse of `quarters`."""
        point = self._points[max(0, bisect_right(self._quarters, quarters) - 1)]
        return point.seconds + (quarters - point.quarters) * 60 / point.bpm

    def straight_seconds(self, seconds: float, tempo_bpm: float) -> float:
        """When something is that sounds at `seconds`, if every quarter note has the length of `tempo_bpm`."""
        return self.quarters(seconds) * 60 / tempo_bpm

    def straightened(self, notes: Iterable[Note], tempo_bpm: float) -> list[Note]:
        """The notes in straight time."""
        return [_moved(note, lambda seconds: self.straight_seconds(seconds, tempo_bpm)) for note in notes]

    def played(self, notes: Iterable[Note], tempo_bpm: float) -> list[Note]:
        """The inverse of `straightened`."""
        return [_moved(note, lambda seconds: self.seconds(seconds * tempo_bpm / 60)) for note in notes]

    def straightened_chords(self, chords: Iterable[Chord], tempo_bpm: float) -> tuple[Chord, ...]:
        """The chords in straight time."""
        return tuple(_moved_chord(chord, lambda seconds: self.straight_seconds(seconds, tempo_bpm)) for chord in chords)

    def played_chords(self, chords: Iterable[Chord], tempo_bpm: float) -> tuple[Chord, ...]:
        """The inverse of `straightened_chords`."""
        return tuple(_moved_chord(chord, lambda seconds: self.seconds(seconds * tempo_bpm / 60)) for chord in chords)


def _moved(note: Note, when: Callable[[float], float]) -> Note:
    return msgspec.structs.replace(
        note,
        onset_seconds=when(note.onset_seconds),
        offset_seconds=when(note.offset_seconds),
        bends=tuple(Bend(time_seconds=when(bend.time_seconds), semitones=bend.semitones) for bend in note.bends),
    )


def _moved_chord(chord: Chord, when: Callable[[float], float]) -> Chord:
    start, end = when(chord.start_seconds), when(chord.end_seconds)
    return Chord(start_seconds=round(start, 6), end_seconds=round(end, 6), name=chord.name)
