"""The roll as lines of text: bar numbers, chords, pitches in half blocks, drum lanes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from bridge.drawing.colours import RollColours
from bridge.drawing.drums import lane_name
from bridge.drawing.grid import CellGrid
from bridge.drawing.roll import PartNotes, Roll, RollWindow
from bridge.model import Note
from bridge.music.bars import Beats

#: Cells at the left, for the names of tones and drums.
MARGIN = 6
#: Beats are drawn if they are at least this many cells apart, and bars are numbered if they are this many.
BEAT_CELLS, BAR_NUMBER_CELLS = 4, 4
#: The characters of a drum's hits, from soft to loud.
HITS = "▂▄▆█"
#: Drum lanes take at most this share of the rows, unless drums are all there is.
LANES_SHARE = 0.4
_TONES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def draw_roll(
    roll: Roll,
    window: RollWindow,
    colours: RollColours,
    *,
    play_seconds: float | None = None,
    has_colour: bool = True,
) -> list[Text]:
    """The window's part of a roll: exactly `window.rows` lines of `window.columns` cells each.

    Args:
        play_seconds: what sounds now; the play head stands there.
        has_colour: without, what is one colour over another becomes a full block.
    """
    return _Drawing(roll, window, colours, has_colour).lines(play_seconds)


def column_of(seconds: float, window: RollWindow) -> int:
    """The column in which a moment lies, which may be outside the window; the margin's columns come first."""
    cells = window.columns - MARGIN
    return MARGIN + int((seconds - window.start_seconds) * cells // (window.end_seconds - window.start_seconds))


def seconds_at(column: int, window: RollWindow) -> float:
    """The moment at which a column begins."""
    cells = max(1, window.columns - MARGIN)
    return window.start_seconds + (column - MARGIN) * (window.end_seconds - window.start_seconds) / cells


@dataclass
class _Drawing:
    roll: Roll
    window: RollWindow
    colours: RollColours
    has_colour: bool

    def __post_init__(self) -> None:
        columns, rows = max(0, self.window.columns), max(0, self.window.rows)
        self._cells = max(1, columns - MARGIN)
        self._grid = CellGrid(columns, rows, self.colours.background)
        self._top = min(rows, 2 if self.roll.chords else 1)
        self._lanes = self._shown_keys(rows - self._top)
        self._bottom = rows - len(self._lanes)
        """The first row of the drum lanes."""

    def lines(self, play_seconds: float | None) -> list[Text]:
        if self._grid.columns > MARGIN and self._grid.rows:
            self._draw_bars()
            self._draw_chords()
            self._draw_pitches()
            self._draw_drums()
        head = None if play_seconds is None else column_of(play_seconds, self.window)
        if head is not None and head < MARGIN:
            head = None
        # Below the bars and chords, whose first letter it would hide: "b" for "Bb".
        return self._grid.lines(head, self.colours.accent, first_row=self._top, has_colour=self.has_colour)

    def _shown_keys(self, rows: int) -> list[int]:
        """The percussion keys that get a lane, from high to low: the most frequent ones if there are too many."""
        keys = self.roll.drum_keys
        has_pitches = any(part.is_pitched for part in self.roll.parts) and self.roll.chosen != "drums"
        most = int(rows * LANES_SHARE) if has_pitches else rows
        if len(keys) > most:
            counts = Counter(note.pitch for part in self.roll.parts if not part.is_pitched for note in part.notes)
            keys = tuple(sorted(key for key, _ in counts.most_common(most)))
        return list(reversed(keys))

    def _write(self, row: int, column: int, text: str, style: str) -> None:
        """Puts a text into the cells, as far as there are some."""
        for place, character in enumerate(text):
            if 0 <= column + place < self._grid.columns:
                self._grid.characters[row][column + place] = (character, style)

    def _draw_bars(self) -> None:
        """Bar lines and numbers; what is not known yet, and what lies after the clip's end."""
        window, faint = self.window, self.colours.faint
        end = min(window.end_seconds, self.roll.seconds)
        known = column_of(min(self.roll.known_seconds, end), window)
        for column in range(max(MARGIN, known), min(self._grid.columns, column_of(end, window))):
            for row in range(self._top, self._grid.rows):
                self._grid.characters[row][column] = ("░", faint)
        if self.roll.music is None:
            return
        last_number, last_beat = -BAR_NUMBER_CELLS, MARGIN - BEAT_CELLS
        for beat in Beats(self.roll.music).between(max(0.0, window.start_seconds), end):
            column = column_of(beat.seconds, window)
            if beat.begins_bar:
                if column - last_number >= BAR_NUMBER_CELLS + len(str(beat.bar)) - 1:
                    self._write(0, column, str(beat.bar), self.colours.muted)
                    last_number = column
            elif column - last_beat < BEAT_CELLS:
                continue
            last_beat = column
            for row in range(self._top, self._grid.rows):
                if self._grid.characters[row][column][0] == " ":
                    self._grid.characters[row][column] = ("│" if beat.begins_bar else "┊", faint)

    def _draw_chords(self) -> None:
        if self._top < 2:
            return
        for chord in self.roll.chords:
            if chord.end_seconds > self.window.start_seconds and chord.start_seconds < self.window.end_seconds:
                first = max(MARGIN, column_of(chord.start_seconds, self.window))
                width = column_of(chord.end_seconds, self.window) - first
                # A part of a name would be another chord's.
                self._write(1, first, chord.name if len(chord.name) < width else "·"[:width], self.colours.text)

    def _draw_pitches(self) -> None:
        rows = self._bottom - self._top
        if rows <= 0 or not any(part.is_pitched for part in self.roll.parts):
            return
        scale = _PitchScale.of(*self.roll.pitches, 2 * rows)
        for half in range(2 * rows):
            pitch = scale.pitch_at(half)
            if pitch is not None and pitch % 12 == 0 and half == scale.half_of(pitch):
                self._write(
                    self._top + half // 2, 0, f"{_TONES[0]}{pitch // 12 - 1}".rjust(MARGIN - 2), self.colours.muted
                )
        parts = sorted(self.roll.parts, key=lambda part: part.stem == self.roll.chosen)  # the chosen one comes last
        for part in parts:
            if part.is_pitched:
                for note in part.sounding(self.window.start_seconds, self.window.end_seconds):
                    self._draw_note(part, note, scale)

    def _draw_note(self, part: PartNotes, note: Note, scale: _PitchScale) -> None:
        is_behind = bool(self.roll.chosen) and part.stem != self.roll.chosen
        shade = self.colours.of_note
        start = shade(part.stem, note.velocity, begins=True, is_behind=is_behind)
        rest = shade(part.stem, note.velocity, begins=False, is_behind=is_behind)
        first = column_of(note.onset_seconds, self.window)
        last = max(first, column_of(note.offset_seconds, self.window) - 1)
        pitches = _pitches_by_column(note, first, last, self.window)
        for column, pitch in zip(range(first, last + 1), pitches, strict=True):
            if is_behind and not scale.lowest <= pitch <= scale.highest:
                continue  # the chosen stem decides which pitches are shown
            if MARGIN <= column < self._grid.columns:
                for half in scale.halves_of(pitch):
                    cells = self._grid.halves[2 * self._top + half]
                    cells[column] = start if column == first else rest
                    if not self.has_colour and column == first and cells[column - 1] and cells[column - 2]:
                        cells[column - 1] = ""  # else a repeated note could not be told from a long one

    def _draw_drums(self) -> None:
        rows = {key: self._bottom + place for place, key in enumerate(self._lanes)}
        for key, row in rows.items():
            self._write(row, 0, lane_name(key).rjust(MARGIN - 1), self.colours.muted)
        for part in self.roll.parts:
            if part.is_pitched:
                continue
            is_behind = bool(self.roll.chosen) and part.stem != self.roll.chosen
            for note in part.sounding(self.window.start_seconds, self.window.end_seconds):
                column = column_of(note.onset_seconds, self.window)
                if note.pitch in rows and MARGIN <= column < self._grid.columns:
                    colour = self.colours.of_note(part.stem, note.velocity, begins=True, is_behind=is_behind)
                    hit = HITS[min(len(HITS) - 1, note.velocity * len(HITS) // 128)]
                    self._grid.characters[rows[note.pitch]][column] = (hit, colour)


@dataclass(frozen=True)
class _PitchScale:
    """Which halves of cells a pitch has: one or more, or one for several pitches."""

    highest: int
    lowest: int
    halves: int
    per_pitch: int
    """Halves for a pitch; 0: several pitches share one."""
    per_half: int
    above: int
    """Halves that stay free at the top."""

    @classmethod
    def of(cls, lowest: int, highest: int, halves: int) -> _PitchScale:
        span = highest - lowest + 1
        per_pitch, per_half = halves // span, -(-span // halves)
        used = span * per_pitch if per_pitch else -(-span // per_half)
        return cls(highest, lowest, halves, per_pitch, per_half, (halves - used) // 2)

    def half_of(self, pitch: float) -> int:
        """The uppermost half of a pitch, which need not be whole; limited to those that there are."""
        steps = (self.highest - pitch) * self.per_pitch if self.per_pitch else (self.highest - pitch) // self.per_half
        return max(0, min(self.halves - max(1, self.per_pitch), self.above + round(steps)))

    def halves_of(self, pitch: float) -> range:
        first = self.half_of(pitch if self.per_pitch else round(pitch))
        return range(first, min(self.halves, first + max(1, self.per_pitch)))

    def pitch_at(self, half: int) -> int | None:
        """The deepest pitch of a half; None where no pitch is."""
        place = half - self.above
        if self.per_pitch:
            pitch = self.highest - place // self.per_pitch
        else:
            pitch = self.highest - place * self.per_half
            # The label stands where a C is among the pitches that share a half.
            pitch -= pitch % 12 if 0 < pitch % 12 < self.per_half else 0
        return pitch if place >= 0 and self.lowest <= pitch <= self.highest else None


def _pitches_by_column(note: Note, first: int, last: int, window: RollWindow) -> Iterator[float]:
    """The pitch that a note has in the middle of each column."""
    bends: Sequence[tuple[float, float]] = [(bend.time_seconds, bend.semitones) for bend in note.bends]
    place, semitones = 0, 0.0
    half = (window.end_seconds - window.start_seconds) / max(1, window.columns - MARGIN) / 2
    for column in range(first, last + 1):
        if bends:
            middle = seconds_at(column, window) + half
            while place < len(bends) and bends[place][0] <= middle:
                semitones = bends[place][1]
                place += 1
        yield note.pitch + semitones
