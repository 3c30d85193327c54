"""Where drums stand on a percussion staff, and their note heads: as in drum books (after N. Weinberg, PAS, 1998)."""

from __future__ import annotations

from typing import NamedTuple


class StaffPlace(NamedTuple):
    """The line or space, as a pitch of a treble staff, and MusicXML's note head; empty: a plain one."""

    step: str
    octave: int
    head: str = ""


#: By General MIDI's percussion key.
PLACES: dict[int, StaffPlace] = {
    35: StaffPlace("E", 4), 36: StaffPlace("F", 4), 37: StaffPlace("C", 5, "x"), 38: StaffPlace("C", 5),
    39: StaffPlace("C", 5, "triangle"), 40: StaffPlace("C", 5), 41: StaffPlace("G", 4), 42: StaffPlace("G", 5, "x"),
    43: StaffPlace("A", 4), 44: StaffPlace("D", 4, "x"), 45: StaffPlace("B", 4), 46: StaffPlace("G", 5, "circle-x"),
    47: StaffPlace("D", 5), 48: StaffPlace("E", 5), 49: StaffPlace("A", 5, "x"), 50: StaffPlace("F", 5),
    51: StaffPlace("F", 5, "x"), 52: StaffPlace("B", 5, "x"), 53: StaffPlace("F", 5, "diamond"),
    54: StaffPlace("D", 5, "triangle"), 55: StaffPlace("B", 5, "x"), 56: StaffPlace("E", 5, "triangle"),
    57: StaffPlace("A", 5, "x"), 59: StaffPlace("F", 5, "x"),
}  # fmt: skip
#: Of any other key.
ELSEWHERE = StaffPlace("E", 5, "x")


def staff_place(key: int) -> StaffPlace:
    return PLACES.get(key, ELSEWHERE)
