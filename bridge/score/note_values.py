"""From lengths to note values: what is tied, dotted or a triplet, and where a reader wants to see the beat.

Positions and lengths are whole numbers of 24ths of a quarter, from the start of a bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from bridge.music.metre import Metre
from bridge.music.written_grid import QUARTER

#: Lengths of plain and dotted values: MusicXML's name of the type, dots.
STRAIGHT: dict[int, tuple[str, int]] = {
    96: ("whole", 0), 72: ("half", 1), 48: ("half", 0), 36: ("quarter", 1), 24: ("quarter", 0), 18: ("eighth", 1),
    12: ("eighth", 0), 9: ("16th", 1), 6: ("16th", 0), 3: ("32nd", 0),
}  # fmt: skip
#: Lengths within a triplet, three in the time of two.
TRIPLETS: dict[int, tuple[str, int]] = {
    16: ("quarter", 0), 12: ("eighth", 1), 8: ("eighth", 0), 4: ("16th", 0), 2: ("32nd", 0), 1: ("64th", 0),
}  # fmt: skip
#: What is no multiple of this belongs to a triplet.
PLAIN = 3


@dataclass(frozen=True)
class NoteValue:
    """One written value of a note or rest; a longer note is several, tied."""

    start: int
    length: int
    type: str
    dots: int = 0
    in_triplet: bool = False


def bar_values(edges: Sequence[int], metre: Metre) -> list[list[NoteValue]]:
    """The values of each event of one voice in a bar.

    Args:
        edges: where the events start, then where the last one ends: at least two, in order.
    """
    triplets = {edge // QUARTER for edge in edges if edge % PLAIN}
    values = []
    for start, end in pairwise(edges):
        pieces: list[NoteValue] = []
        for first, last in _cut_at_triplets(start, end, triplets):
            if first // QUARTER in triplets and last - first < QUARTER:
                pieces += _split(first, last, TRIPLETS, in_triplet=True)
            else:
                pieces += _straight(first, last, metre)
        values.append(pieces)
    return values


def _cut_at_triplets(start: int, end: int, triplets: set[int]) -> Iterator[tuple[int, int]]:
    """The parts of an event that lie in a beat with triplets, and those between them."""
    first = start
    for beat in range(start // QUARTER, -(-end // QUARTER)):
        for edge in (beat * QUARTER, (beat + 1) * QUARTER):
            if beat in triplets and first < edge < end:
                yield first, edge
                first = edge
    yield first, end


def _straight(start: int, end: int, metre: Metre) -> Iterator[NoteValue]:
    length = end - start
    if length in STRAIGHT and _is_readable(start, length, metre):
        name, dots = STRAIGHT[length]
        yield NoteValue(start, length, name, dots)
        return
    cut = _strongest_edge(start, end, metre)
    if cut is None:
        yield from _split(start, end, STRAIGHT)
        return
    yield from _straight(start, cut, metre)
    yield from _straight(cut, end, metre)


def _is_readable(start: int, length: int, metre: Metre) -> bool:
    """Whether one value may stand there without hiding a beat that a reader looks for."""
    beat, bar = _beat(metre), round(metre.bar_quarters * QUARTER)
    end, within = start + length, start % beat
    if within + length <= beat:
        dotted = STRAIGHT[length][1] > 0
        return not dotted or within == 0 or end % beat == 0
    if within == 0:
        # From a beat: whole beats, or a beat and a half, but not over the middle of the bar unless all of it is filled.
        middle = bar // 2 if (bar // 2) % beat == 0 else bar
        return start == 0 or end <= middle or start >= middle or end == bar
    if metre.is_compound:
        return False
    # From the middle of a beat: a syncopation within half a bar.
    middle = bar // 2 if (bar // 2) % beat == 0 else bar
    return within == beat // 2 and length in (beat, beat * 3 // 2) and (end <= middle or start >= middle)


def _strongest_edge(start: int, end: int, metre: Metre) -> int | None:
    """Where a note that cannot be written as one value is cut: the bar's middle, else the next beat or half-beat."""
    beat, bar = _beat(metre), round(metre.bar_quarters * QUARTER)
    if (bar // 2) % beat == 0 and start < bar // 2 < end:
        return bar // 2
    if start % beat == 0 and end - start > beat:
        last = end // beat * beat
        return last if last < end else end - beat
    for unit in (beat, beat // 2 if not metre.is_compound else beat // 3, 6):
        edge = (start // unit + 1) * unit
        if start < edge < end:
            return edge
    return None


def _beat(metre: Metre) -> int:
    """What a reader counts: a dotted quarter in compound metres, else a quarter."""
    return round(metre.beat_quarters * QUARTER) if metre.is_compound else QUARTER


def _split(start: int, end: int, table: dict[int, tuple[str, int]], *, in_triplet: bool = False) -> Iterator[NoteValue]:
    """The longest values one after the other."""
    while start < end:
        length = next(length for length in table if length <= end - start)
        name, dots = table[length]
        yield NoteValue(start, length, name, dots, in_triplet)
        start += length
