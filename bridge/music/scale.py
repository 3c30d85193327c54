"""Scales by name, and fitting notes to a scale."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from bridge.errors import BadArguments
from bridge.model import Note
from bridge.music.overlaps import without_overlaps
from bridge.request import MODES, OffScale, Scale

#: Other names of some modes.
ALIASES = {
    "": "major",
    "maj": "major",
    "m": "minor",
    "min": "minor",
    "ionian": "major",
    "aeolian": "minor",
    "natural minor": "minor",
    "pentatonic": "major pentatonic",
}
#: Semitones above C.
LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
#: Pitch classes by name, from C; flats where musicians write keys with flats.
TONIC_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
#: `Bb minor`, `F# dorian`, `Am`; a `b` after the letter is a flat.
SCALE_PATTERN = re.compile(r"([a-g])([#♯b♭]?)\s*(.*)")


def parse_scale(text: str) -> Scale:
    """Parses `C major`, `Bb dorian`, `E minor pentatonic`, `F#m`; case does not matter.

    Raises:
        BadArguments: the tonic or the mode is unknown.
    """
    found = SCALE_PATTERN.fullmatch(" ".join(text.lower().split()))
    if found is None:
        raise BadArguments(f"A scale begins with its tonic, as in `C major` or `F# dorian`, not {text!r}.")
    letter, accidental, words = found.groups()
    mode = ALIASES.get(words, words)
    if mode not in MODES:
        raise BadArguments(f"There is no scale {words!r}; there are {', '.join(MODES)}.")
    return Scale(tonic=(LETTERS[letter] + ACCIDENTALS[accidental]) % 12, mode=mode)


def in_scale(notes: Iterable[Note], scale: Scale, outside: OffScale = "snap") -> list[Note]:
    """The notes fitted to `scale`, by onset, then pitch. Not for drum stems.

    `drop` leaves out notes outside the scale. `snap` moves them to the nearest tone; halfway between two, in the
    direction of their bends, otherwise down. Overlaps on one pitch are then removed (see `overlaps`).
    """
    if outside == "drop":
        return [note for note in notes if scale.contains(note.pitch)]
    return without_overlaps(note if scale.contains(note.pitch) else _snapped(note, scale) for note in notes)


def _snapped(note: Note, scale: Scale) -> Note:
    lean = sum(bend.semitones for bend in note.bends)
    tones = [pitch for pitch in range(note.pitch - 6, note.pitch + 7) if 0 <= pitch <= 127 and scale.contains(pitch)]
    nearest = min(tones, key=lambda pitch: (abs(pitch - note.pitch), (note.pitch - pitch) * lean, pitch))
    return msgspec.structs.replace(note, pitch=nearest)


def scale_name(scale: Scale) -> str:
    """`Bb major`: what `parse_scale` reads as this scale."""
    return f"{TONIC_NAMES[scale.tonic]} {scale.mode}"
