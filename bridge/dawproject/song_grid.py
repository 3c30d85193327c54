"""Where the times of a clip lie on a song's timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from bridge.model import Chord, Music, Note
from bridge.music.metre import Metre
from bridge.music.tempo_map import TempoMap
from bridge.smf.chords import chord_markers
from bridge.smf.ticks import NoteTicks, microseconds_per_quarter, notes_in_ticks, ticks
from bridge.units import TICKS_PER_QUARTER


class SongGrid:
    """The timeline of a song in quarter notes, on which notes and chords lie as in the clip's MIDI files.

    A clip whose place nobody knows starts in the first bar, where its own bars fall on those of the song. One that
    would start before the song is moved by whole bars.
    """

    def __init__(self, music: Music, beat: float | None) -> None:
        """Raises BadArguments if a MIDI file cannot store the tempo."""
        self._quarter = microseconds_per_quarter(music.tempo_bpm)
        self._points = music.tempo_map
        self._map = TempoMap(music.tempo_map) if music.tempo_map else None
        bar = Metre.of(music.time_signature).bar_quarters
        place = -self.quarters(music.first_beat_seconds) if beat is None else beat
        self.start = place if beat is not None and beat >= 0 else _rest_of_bar(place, bar)
        """Where the clip starts, in quarter notes from the song's start; never negative."""

    @property
    def tempo_bpm(self) -> float:
        """Quarter notes per minute, rounded as in a MIDI file; the mean of a tempo that changes."""
        return 60e6 / self._quarter

    def quarters(self, seconds: float) -> float:
        """The quarter notes from the clip's start to that time."""
        return seconds * 1e6 / self._quarter if self._map is None else self._map.quarters(seconds)

    def notes(self, notes: Iterable[Note]) -> list[NoteTicks]:
        """Notes in ticks from the clip's start, cut as in a MIDI file, where two of one pitch cannot overlap."""
        return notes_in_ticks(
            notes if self._map is None else self._map.straightened(notes, self.tempo_bpm), self._quarter
        )

    def bends(self, note: NoteTicks) -> dict[float, float]:
        """Semitones by quarter notes from the start of one of `notes`, from its start on; empty if it has no bends."""
        found: dict[float, float] = {}
        for bend in note.note.bends:
            tick = max(note.on, ticks(bend.time_seconds, self._quarter))
            if tick < note.off:
                found[(tick - note.on) / TICKS_PER_QUARTER] = bend.semitones
        return {0.0: 0.0, **found} if found else {}

    def markers(self, chords: Sequence[Chord]) -> list[tuple[float, str]]:
        """The names of chords, and where they pause, by quarter notes from the song's start."""
        if self._map is not None:
            chords = self._map.straightened_chords(chords, self.tempo_bpm)
        return [
            (self.start + tick / TICKS_PER_QUARTER, marker.text)
            for tick, marker in chord_markers(chords, self._quarter)
        ]

    def tempi(self) -> dict[float, float]:
        """The tempo from each place on, by quarter notes from the song's start; empty if it never changes."""
        found: dict[float, float] = {}
        for place, tempo_bpm in self._tempi():
            found = found or {0.0: tempo_bpm}
            found[max(0.0, place)] = tempo_bpm
        return found

    def _tempi(self) -> Iterator[tuple[float, float]]:
        for point, after in pairwise(self._points):
            if after.quarters > point.quarters and after.seconds > point.seconds:
                # Not the point's own tempo, which may be rounded: after a thousand beats that would be heard.
                tempo_bpm = 60 * (after.quarters - point.quarters) / (after.seconds - point.seconds)
                yield self.start + point.quarters, tempo_bpm
        if self._points:
            yield self.start + self._points[-1].quarters, self._points[-1].bpm


def _rest_of_bar(place: float, bar: float) -> float:
    """The same place in a bar, in the song's first; what rounding has left before a bar line is on it."""
    rest = place % bar
    return 0.0 if bar - rest < 1 / TICKS_PER_QUARTER else rest
