"""Quantises notes to the grid of a tempo. Only on request; by default notes keep their timing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from bridge.model import Note
from bridge.music.grid import Grid, swing_ratio
from bridge.music.metre import Metre
from bridge.music.overlaps import ending_at, ending_by
from bridge.request import GRIDS, Quantise

#: Grids whose off-beats may swing.
SWINGING = ("1/8", "1/16")


def quantised(
    notes: Iterable[Note],
    settings: Quantise,
    tempo_bpm: float,
    first_beat_seconds: float = 0.0,
    *,
    clip_seconds: float = math.inf,
    metre: Metre = Metre(),  # noqa: B008 - frozen
) -> list[Note]:
    """The quantised notes, by onset, then pitch; bends move with their note.

    If several notes of one pitch are nearest to the same grid point, the nearest one moves there and the others do not
    move. Notes of one pitch keep their order and get no new overlaps; none is lost, and none starts before 0 or at or
    after `clip_seconds`.

    Args:
        tempo_bpm: quarters a minute, in every metre.
        first_beat_seconds: when a bar starts, or a beat where bars are whole steps of the grid.
    """
    played = sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))
    if settings.strength == 0:
        return played
    grid = grid_for(played, settings, tempo_bpm, first_beat_seconds, clip_seconds, metre)
    clip_grid = _ClipGrid(grid, clip_seconds)
    moved: list[Note] = []
    for line in _by_pitch(played):
        moved += _without_new_overlaps(line, _moved_line(line, clip_grid, settings))
    return sorted(moved, key=lambda note: (note.onset_seconds, note.pitch))


def grid_for(
    notes: Sequence[Note],
    settings: Quantise,
    tempo_bpm: float,
    first_beat_seconds: float = 0.0,
    clip_seconds: float = math.inf,
    metre: Metre = Metre(),  # noqa: B008 - frozen
) -> Grid:
    """The grid for these notes by `settings`, with their swing if it is kept and the metre has off-beats to swing."""
    step_quarters = GRIDS[settings.grid]
    step_seconds = step_quarters * 60 / tempo_bpm
    if not metre.holds_steps(step_quarters):
        return Grid.of_bars(step_seconds, metre.bar_seconds(tempo_bpm), first_beat_seconds)
    straight = Grid.of_pairs(step_seconds, first_beat_seconds)
    if not settings.keep_swing or settings.grid not in SWINGING or not metre.pairs_steps(step_quarters):
        return straight
    ratio = swing_ratio(((note.pitch, note.onset_seconds) for note in notes), straight, clip_seconds)
    return Grid.of_pairs(step_seconds, first_beat_seconds, ratio)


class _ClipGrid:
    """The grid points within a clip."""

    def __init__(self, grid: Grid, clip_seconds: float) -> None:
        self.grid = grid
        self.clip_seconds = clip_seconds
        self._first = grid.nearest(0.0)
        if grid.seconds(self._first) < 0:
            self._first += 1

    def index(self, seconds: float) -> int | None:
        """The index of the nearest grid point within the clip; None where there is none."""
        index = max(self._first, self.grid.nearest(seconds))
        while index > self._first and self.grid.seconds(index) >= self.clip_seconds:
            index -= 1
        return index if self.grid.seconds(index) < self.clip_seconds else None

    def end(self, seconds: float, onset: float) -> float:
        """The quantised end of a note that ends at `seconds` and starts at `onset` on the grid."""
        end = self.grid.seconds(self.grid.nearest(seconds))
        if end <= onset:
            end = self.grid.seconds(self.grid.after(onset))
        return min(end, self.clip_seconds)


def _by_pitch(notes: Iterable[Note]) -> list[list[Note]]:
    lines: dict[int, list[Note]] = {}
    for note in notes:
        lines.setdefault(note.pitch, []).append(note)
    return list(lines.values())


def _moved_line(line: Sequence[Note], clip_grid: _ClipGrid, settings: Quantise) -> list[Note]:
    """The notes of one pitch, each moved towards the grid, in the same order."""
    wanted = [clip_grid.index(note.onset_seconds) for note in line]
    nearest: dict[int, int] = {}
    for place, (note, index) in enumerate(zip(line, wanted, strict=True)):
        if index is None:
            continue
        target = clip_grid.grid.seconds(index)
        rival = nearest.get(index)
        if rival is None or abs(note.onset_seconds - target) < abs(line[rival].onset_seconds - target):
            nearest[index] = place
    moved = []
    for place, (note, index) in enumerate(zip(line, wanted, strict=True)):
        goes = index is not None and nearest[index] == place
        target = clip_grid.grid.seconds(index) if goes and index is not None else note.onset_seconds
        moved.append(_moved(note, target, clip_grid, settings))
    return moved


def _moved(note: Note, target: float, clip_grid: _ClipGrid, settings: Quantise) -> Note:
    onset = _between(note.onset_seconds, target, settings.strength)
    by = onset - note.onset_seconds
    shifted = msgspec.structs.replace(
        note,
        onset_seconds=onset,
        offset_seconds=note.offset_seconds + by,
        bends=tuple(msgspec.structs.replace(bend, time_seconds=bend.time_seconds + by) for bend in note.bends),
    )
    if not settings.ends:
        return ending_by(shifted, clip_grid.clip_seconds)
    before = min(note.offset_seconds, clip_grid.clip_seconds)
    return ending_at(shifted, _between(before, clip_grid.end(before, target), settings.strength))


def _between(start: float, stop: float, share: float) -> float:
    """Linear interpolation; a share of 1 is exactly `stop`, so that chords stay together."""
    return start * (1 - share) + stop * share


def _without_new_overlaps(before: Sequence[Note], after: Sequence[Note]) -> list[Note]:
    """`after`, each note cut where the next one starts, unless the two overlapped in `before`."""
    kept = list(after)
    for place, ((old, old_next), (new, new_next)) in enumerate(zip(pairwise(before), pairwise(after), strict=True)):
        if old.offset_seconds <= old_next.onset_seconds and new_next.onset_seconds > new.onset_seconds:
            kept[place] = ending_by(new, new_next.onset_seconds)
    return kept
