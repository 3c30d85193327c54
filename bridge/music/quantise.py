"""Notes moved onto the grid of a tempo. On request only: what was played is what is written otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

import msgspec

from bridge.errors import BadArguments
from bridge.model import Note, Value
from bridge.music.grid import Grid, swing_ratio
from bridge.music.overlaps import ending_at, ending_by

#: Quarter notes of each step; `t`: three in the time of two.
GRIDS: dict[str, float] = {
    "1/4": 1.0,
    "1/8": 1 / 2,
    "1/16": 1 / 4,
    "1/32": 1 / 8,
    "1/4t": 2 / 3,
    "1/8t": 1 / 3,
    "1/16t": 1 / 6,
    "1/32t": 1 / 12,
}
#: Steps whose off-beats people swing.
SWINGING = ("1/8", "1/16")


class QuantiseSettings(Value, frozen=True, kw_only=True):
    """How notes are moved.

    Raises:
        BadArguments: there is no such grid, or the strength is not 0–1.
    """

    grid: str = "1/16"
    """One of `GRIDS`."""
    strength: float = 1.0
    """0–1: the share of its way to the grid that a note moves."""
    ends: bool = False
    """True: notes' ends move to the grid too; False: notes keep their lengths."""
    keep_swing: bool = True
    """True: off-beats move to where these notes play them; False: to the even grid. For `SWINGING` grids only."""

    def __post_init__(self) -> None:
        if self.grid not in GRIDS:
            raise BadArguments(f"There is no grid {self.grid!r}; there are {', '.join(GRIDS)}.")
        if not 0 <= self.strength <= 1:
            raise BadArguments(f"The strength of quantising is 0 to 1, not {self.strength:g}.")


def quantised(
    notes: Iterable[Note],
    settings: QuantiseSettings,
    tempo_bpm: float,
    first_beat_seconds: float = 0.0,
    *,
    clip_seconds: float = math.inf,
) -> list[Note]:
    """The notes on the grid, by onset, then pitch; bends move along with their note.

    Of several notes on one pitch that would fall on one moment the nearest goes there, the others stay where they are.
    Those of a pitch keep their order, and come to overlap only where they did before; none vanishes, begins before 0,
    or begins at the clip's end, `clip_seconds`.
    """
    played = sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))
    if settings.strength == 0:
        return played
    grid = grid_for(played, settings, tempo_bpm, first_beat_seconds)
    moments = _Moments(grid, clip_seconds)
    moved: list[Note] = []
    for line in _by_pitch(played):
        moved += _kept_apart(line, _moved_line(line, moments, settings))
    return sorted(moved, key=lambda note: (note.onset_seconds, note.pitch))


def grid_for(
    notes: Sequence[Note], settings: QuantiseSettings, tempo_bpm: float, first_beat_seconds: float = 0.0
) -> Grid:
    """The grid that `settings` mean for these notes, with their swing where it is kept."""
    straight = Grid(GRIDS[settings.grid] * 60 / tempo_bpm, first_beat_seconds)
    if not settings.keep_swing or settings.grid not in SWINGING:
        return straight
    ratio = swing_ratio(((note.pitch, note.onset_seconds) for note in notes), straight)
    return replace(straight, ratio=ratio)


class _Moments:
    """The grid within a clip."""

    def __init__(self, grid: Grid, clip_seconds: float) -> None:
        self.grid = grid
        self.clip_seconds = clip_seconds
        self._first = grid.nearest(0.0)
        if grid.seconds(self._first) < 0:
            self._first += 1

    def index(self, seconds: float) -> int | None:
        """The nearest moment of the clip; None where it has none."""
        index = max(self._first, self.grid.nearest(seconds))
        while index > self._first and self.grid.seconds(index) >= self.clip_seconds:
            index -= 1
        return index if self.grid.seconds(index) < self.clip_seconds else None

    def end(self, seconds: float, onset: float) -> float:
        """Where a note that ends at `seconds` ends, once it begins at `onset`."""
        end = self.grid.seconds(self.grid.nearest(seconds))
        if end <= onset:
            end = self.grid.seconds(self.grid.after(onset))
        return min(end, self.clip_seconds)


def _by_pitch(notes: Iterable[Note]) -> list[list[Note]]:
    lines: dict[int, list[Note]] = {}
    for note in notes:
        lines.setdefault(note.pitch, []).append(note)
    return list(lines.values())


def _moved_line(line: Sequence[Note], moments: _Moments, settings: QuantiseSettings) -> list[Note]:
    """The notes of one pitch on their way to the grid, in the same order."""
    wanted = [moments.index(note.onset_seconds) for note in line]
    nearest: dict[int, int] = {}
    for place, (note, index) in enumerate(zip(line, wanted, strict=True)):
        if index is None:
            continue
        target = moments.grid.seconds(index)
        rival = nearest.get(index)
        if rival is None or abs(note.onset_seconds - target) < abs(line[rival].onset_seconds - target):
            nearest[index] = place
    moved = []
    for place, (note, index) in enumerate(zip(line, wanted, strict=True)):
        goes = index is not None and nearest[index] == place
        target = moments.grid.seconds(index) if goes and index is not None else note.onset_seconds
        moved.append(_moved(note, target, moments, settings))
    return moved


def _moved(note: Note, target: float, moments: _Moments, settings: QuantiseSettings) -> Note:
    onset = _between(note.onset_seconds, target, settings.strength)
    by = onset - note.onset_seconds
    shifted = msgspec.structs.replace(
        note,
        onset_seconds=onset,
        offset_seconds=note.offset_seconds + by,
        bends=tuple(msgspec.structs.replace(bend, time_seconds=bend.time_seconds + by) for bend in note.bends),
    )
    if not settings.ends:
        return ending_by(shifted, moments.clip_seconds)
    before = min(note.offset_seconds, moments.clip_seconds)
    return ending_at(shifted, _between(before, moments.end(before, target), settings.strength))


def _between(start: float, stop: float, share: float) -> float:
    """A share of the way; all of it is exactly `stop`, so that chords stay together."""
    return start * (1 - share) + stop * share


def _kept_apart(before: Sequence[Note], after: Sequence[Note]) -> list[Note]:
    """`after`, each note cut off where the next one begins, unless they overlapped `before`."""
    kept = list(after)
    for place, ((old, old_next), (new, new_next)) in enumerate(zip(pairwise(before), pairwise(after), strict=True)):
        if old.offset_seconds <= old_next.onset_seconds and new_next.onset_seconds > new.onset_seconds:
            kept[place] = ending_by(new, new_next.onset_seconds)
    return kept
