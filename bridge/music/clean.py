"""The clean reading: what a person would write down of what was played.

Ghosts and glides go, one voice stays one voice, onsets lie on the grid, and a note lasts until the next one or a rest.
Where no tempo is known there is no grid, and onsets stay where they are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise, zip_longest

import msgspec

from bridge.model import Music, Note
from bridge.music.overlaps import is_line, without_overlaps
from bridge.music.written_grid import QUARTER, WrittenGrid, found_grid, given_grid, with_eighths
from bridge.request import Quantise
from bridge.stems import stem_of
from bridge.value import Value

#: Of several notes at once, one of less confidence than the first number is a ghost, or than the second where it is so
#: much softer than another. Chosen on rendered songs, stem by stem and as a mix: docs/methods/score.md.
GHOST_CONFIDENCE, SOFT_GHOST_CONFIDENCE, SOFTER = 0.4, 0.45, 20
#: Together at least this long.
TOGETHER_SECONDS = 0.03
#: A glide: so short, followed at once by a note that is longer and at most this far away.
GLIDE_SECONDS, GLIDE_GAP_SECONDS, GLIDE_SEMITONES, LONGER = 0.1, 0.04, 2, 1.8
#: Chords: notes that start within this time of each other.
CHORD_SECONDS = 0.035
#: Without a grid a note lasts until the next one that comes within this time.
REST_SECONDS = 0.12
#: A rest shorter than half a beat, or than a third of the way to the next note, is not written.
REST_BEATS, REST_SHARE = 0.5, 1 / 3
#: A note that rings so many beats into the next ones is held; a shorter overlap is not written.
HELD_BEATS = 1.0
#: A held note ends with one of so many that start after it.
MOST_HELD = 64
#: Where hands part: from, to, near which pitch, and how many semitones around it should be empty.
HANDS_FROM, HANDS_TO, HANDS_NEAR, HANDS_EMPTY = 53, 67, 60, 3


class WrittenNote(Value, frozen=True, kw_only=True):
    """A note as it is written: its start and end in 24ths of a quarter from the start of the first bar."""

    start: int
    end: int
    pitch: int
    velocity: int


def written_parts(
    parts: Mapping[str, Sequence[Note]],
    music: Music,
    seconds: float,
    quantise: Quantise | None = None,
    one_line: Callable[[str], bool] = lambda stem: False,  # noqa: ARG005
) -> tuple[WrittenGrid, dict[str, list[WrittenNote]]]:
    """The notes of each stem as they are written, by start, then pitch, and their grid.

    Args:
        quantise: its grid is taken instead of the one that is found.
        one_line: whether a stem plays one note at a time.
    """
    cleaned = {stem: _without_extras(stem, notes, one_line(stem)) for stem, notes in parts.items()}
    onsets = [(note.pitch, note.onset_seconds) for notes in cleaned.values() for note in notes]
    if quantise is not None:
        grid = given_grid(quantise.grid, music)
        return grid, {stem: _written(stem, notes, grid, seconds) for stem, notes in cleaned.items()}
    grid = found_grid(onsets, music, seconds)
    return grid, {stem: _written(stem, notes, _own_grid(stem, notes, grid), seconds) for stem, notes in cleaned.items()}


def _own_grid(stem: str, notes: Sequence[Note], grid: WrittenGrid) -> WrittenGrid:
    is_pitched = stem_of(stem).is_pitched
    return with_eighths(grid, [note.onset_seconds for note in _chords_together(notes)]) if is_pitched else grid


def clean_parts(
    parts: Mapping[str, Sequence[Note]],
    music: Music,
    seconds: float,
    quantise: Quantise | None = None,
    one_line: Callable[[str], bool] = lambda stem: False,  # noqa: ARG005
) -> dict[str, list[Note]]:
    """The clean notes of each stem in seconds, without bends, by onset, then pitch; see `written_parts`.

    Without a tempo (`tempo_source` is `default`) and without `quantise` there is no grid: onsets stay where they are.
    """
    if music.tempo_source == "default" and quantise is None:
        return {
            stem: _without_rests(_without_extras(stem, notes, one_line(stem)), stem) for stem, notes in parts.items()
        }
    grid, written = written_parts(parts, music, seconds, quantise, one_line)
    return {stem: [_sounding(note, grid, seconds) for note in notes] for stem, notes in written.items()}


def _sounding(note: WrittenNote, grid: WrittenGrid, seconds: float) -> Note:
    onset = max(0.0, grid.seconds(note.start))
    end = min(max(seconds, onset + 0.01), grid.seconds(note.end))
    return Note(onset_seconds=onset, offset_seconds=end, pitch=note.pitch, velocity=note.velocity)


def _without_extras(stem: str, notes: Sequence[Note], one_line: bool) -> list[Note]:
    """The notes without bends, ghosts and glides; of a line, without what sounds beside it. Drums keep every hit."""
    plain = [msgspec.structs.replace(note, bends=()) for note in sorted(notes, key=_place)]
    if not stem_of(stem).is_pitched:
        return plain
    plain = _without_ghosts(plain)
    if one_line or is_line(plain):
        return _without_glides(_one_at_a_time(plain))
    return plain


def _place(note: Note) -> tuple[float, int]:
    return note.onset_seconds, note.pitch


def _without_ghosts(notes: Sequence[Note]) -> list[Note]:
    kept = []
    for place, note in enumerate(notes):
        beside = [other for other in _around(notes, place) if _together(note, other) >= TOGETHER_SECONDS]
        softer = max((other.velocity for other in beside), default=0) - note.velocity
        limit = SOFT_GHOST_CONFIDENCE if softer >= SOFTER else GHOST_CONFIDENCE
        if not beside or note.confidence >= limit:
            kept.append(note)
    return kept


def _around(notes: Sequence[Note], place: int) -> list[Note]:
    """The notes that may sound together with one of them: notes are sorted, and none lasts for more than 64 others."""
    return [*notes[max(0, place - 64) : place], *notes[place + 1 : place + 65]]


def _together(one: Note, other: Note) -> float:
    """Seconds for which both sound."""
    return min(one.offset_seconds, other.offset_seconds) - max(one.onset_seconds, other.onset_seconds)


def _one_at_a_time(notes: Sequence[Note]) -> list[Note]:
    """Of notes that start together the loudest, each cut where the next one starts."""
    line: list[Note] = []
    for note in notes:
        if line and note.onset_seconds - line[-1].onset_seconds < CHORD_SECONDS:
            if note.velocity > line[-1].velocity:
                line[-1] = note
            continue
        line.append(note)
    return [
        *(_until(note, min(note.offset_seconds, after.onset_seconds)) for note, after in pairwise(line)),
        *line[-1:],
    ]


def _without_glides(line: Sequence[Note]) -> list[Note]:
    """A glide becomes the beginning of the note that it leads to."""
    kept: list[Note] = []
    start: float | None = None
    for note, after in zip_longest(line, line[1:]):
        begun = note if start is None else msgspec.structs.replace(note, onset_seconds=start)
        if after is not None and _leads_to(note, after):
            start = begun.onset_seconds
            continue
        kept.append(begun)
        start = None
    return kept


def _leads_to(note: Note, after: Note) -> bool:
    length = note.offset_seconds - note.onset_seconds
    return (
        length < GLIDE_SECONDS
        and after.onset_seconds - note.offset_seconds < GLIDE_GAP_SECONDS
        and 0 < abs(after.pitch - note.pitch) <= GLIDE_SEMITONES
        and after.offset_seconds - after.onset_seconds > LONGER * length
    )


def _until(note: Note, seconds: float) -> Note:
    return msgspec.structs.replace(note, offset_seconds=max(seconds, note.onset_seconds + 0.001))


def _without_rests(notes: Sequence[Note], stem: str) -> list[Note]:
    """Without a grid: each note lasts until the next one, if that comes soon."""
    if not stem_of(stem).is_pitched:
        return without_overlaps(notes)
    starts = sorted({note.onset_seconds for note in notes})
    lasting = []
    for note in notes:
        place = bisect_left(starts, note.offset_seconds - CHORD_SECONDS)
        if place < len(starts) and note.onset_seconds < starts[place] < note.offset_seconds + REST_SECONDS:
            note = _until(note, starts[place])
        lasting.append(note)
    return without_overlaps(lasting)


def _written(stem: str, notes: Sequence[Note], grid: WrittenGrid, seconds: float) -> list[WrittenNote]:
    """The notes on the grid, each pitch once at a time; lengths to the next note or rest."""
    last = grid.nearest(seconds)
    loudest: dict[tuple[int, int], Note] = {}
    for note in _chords_together(notes):
        start = grid.nearest(note.onset_seconds)
        if grid.seconds(start) < -1e-6:
            start += grid.step_at(start)
        elif grid.seconds(start) > seconds - 1e-6:
            start -= grid.step_at(start - 1)
        there = loudest.get((start, note.pitch))
        if there is None or there.velocity < note.velocity:
            end = note.offset_seconds if there is None else max(note.offset_seconds, there.offset_seconds)
            loudest[start, note.pitch] = _until(note, end)
    is_pitched = stem_of(stem).is_pitched
    if is_pitched and is_line(notes):
        loudest = _one_a_position(loudest)
    border = hands_border(pitch for _, pitch in loudest)
    hands = {low: sorted({start for start, pitch in loudest if (pitch < border) == low}) for low in (False, True)}
    starts = sorted({start for start, _ in loudest})
    written = []
    for (start, pitch), note in sorted(loudest.items()):
        of_hand = hands[pitch < border] if is_pitched else starts
        following = of_hand[bisect_right(of_hand, start) :][:MOST_HELD]
        after = following[0] if following else max(last, start + grid.step_at(start))
        beat_end = (start // grid.beat + 1) * grid.beat
        end = _end(start, note, following, after, grid) if is_pitched else min(after, beat_end)
        written.append(WrittenNote(start=start, end=end, pitch=pitch, velocity=note.velocity))
    return _once_at_a_time(written)


def _one_a_position(placed: Mapping[tuple[int, int], Note]) -> dict[tuple[int, int], Note]:
    """Of the notes of a line that came to lie on one position the longest."""
    longest: dict[int, tuple[float, int]] = {}
    for (start, pitch), note in placed.items():
        longest[start] = max(longest.get(start, (0.0, 0)), (note.offset_seconds - note.onset_seconds, pitch))
    return {place: note for place, note in placed.items() if longest[place[0]][1] == place[1]}


def hands_border(pitches: Iterable[int]) -> int:
    """The lowest pitch of the upper hand: where the fewest notes are around, near middle C."""
    counts = Counter(pitches)

    def around(border: int) -> tuple[int, int]:
        crowd = sum(counts[pitch] for pitch in range(border - HANDS_EMPTY, border + HANDS_EMPTY))
        return crowd, abs(border - HANDS_NEAR)

    return min(range(HANDS_FROM, HANDS_TO + 1), key=around)


def _end(start: int, note: Note, following: Sequence[int], after: int, grid: WrittenGrid) -> int:
    """Where a note ends that starts at `start`: at the next one's start, or at a rest."""
    end = grid.nearest(note.offset_seconds)
    if end > after:
        held = end - after >= HELD_BEATS * grid.beat
        nearest = min(following, key=lambda other: (abs(other - end), other), default=end)
        close = abs(nearest - end) < REST_BEATS * grid.beat
        return after if not held else max(after, nearest if close else end)
    rest = after - end
    if rest < max(REST_BEATS * grid.beat, REST_SHARE * (after - start)) + 1e-6:
        return after
    half_beat = max(grid.step_at(start), QUARTER // 2)
    tidy = -(-end // half_beat) * half_beat  # rests begin on eighths
    return min(after, max(tidy, start + grid.step_at(start)))


def _chords_together(notes: Sequence[Note]) -> list[Note]:
    """The notes, those of a chord with one onset: that of its first note."""
    together: list[Note] = []
    first = -1.0
    for note in notes:
        if note.onset_seconds - first >= CHORD_SECONDS:
            first = note.onset_seconds
        together.append(msgspec.structs.replace(note, onset_seconds=first))
    return together


def _once_at_a_time(notes: Sequence[WrittenNote]) -> list[WrittenNote]:
    """The notes, each cut where the next one of its pitch starts."""
    next_start: dict[int, int] = {}
    cut = []
    for note in reversed(notes):
        end = min(note.end, next_start.get(note.pitch, note.end))
        next_start[note.pitch] = note.start
        cut.append(msgspec.structs.replace(note, end=end))
    return cut[::-1]
