"""The tables of stems, their opposites and the parts of the drums: name, label, channel, colours."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

#: General MIDI's channel for drums, from 0: the one that people call 10.
DRUM_CHANNEL = 9


class Stem(msgspec.Struct, frozen=True, kw_only=True):
    """One stem of a mix."""

    name: str
    """In options, records and OSC messages."""
    label: str
    """For people: in file names, port names and track names."""
    is_pitched: bool = True
    """False: its notes are General MIDI's percussion keys, not pitches."""
    channel: int
    """The MIDI channel, from 0, where all stems share one port."""
    colour: str
    """Hexadecimal, on light ground: in the picture of the notes, and of the tracks in Live."""
    night_colour: str
    """Hexadecimal, on dark ground."""


class Opposite(msgspec.Struct, frozen=True, kw_only=True):
    """A mix without one of its stems. It is audio only: notes are read from single stems."""

    name: str
    """In options, records and OSC messages."""
    label: str
    """For people: in file names and track names."""
    without: str
    """The stem that it lacks."""
    colour: str
    """Hexadecimal, on light ground: the stem's, half-way to grey."""
    night_colour: str
    """Hexadecimal, on dark ground."""


class KitPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a drum stem that is split into the drums of its kit. It is audio only."""

    name: str
    """In OSC messages and records."""
    label: str
    """For people: in file names and track names."""
    keys: tuple[int, ...]
    """The General MIDI keys of its hits."""
    colour: str
    """Hexadecimal, on light ground: the stem's, lighter from low drums to high ones."""
    night_colour: str
    """Hexadecimal, on dark ground."""


#: Every stem, by its name, in display order.
STEM_TABLE: dict[str, Stem] = {
    stem.name: stem
    for stem in (
        Stem(name="vocals", label="Vocals", channel=0, colour="#e2557a", night_colour="#ff7a9c"),
        Stem(
            name="drums", label="Drums", channel=DRUM_CHANNEL, colour="#6b6a77", night_colour="#a7a4b3",
            is_pitched=False,
        ),
        Stem(name="bass", label="Bass", channel=1, colour="#7a5cd6", night_colour="#a48bff"),
        Stem(name="other", label="Other", channel=2, colour="#2a9d8f", night_colour="#4fd1c0"),
        Stem(name="guitar", label="Guitar", channel=3, colour="#e08a2e", night_colour="#ffb057"),
        Stem(name="piano", label="Piano", channel=4, colour="#3d7fd9", night_colour="#6aa8ff"),
    )
}  # fmt: skip
#: The opposite of every stem, by its name, in the same order.
OPPOSITE_TABLE: dict[str, Opposite] = {
    opposite.name: opposite
    for opposite in (
        Opposite(name="instrumental", label="Instrumental", without="vocals", colour="#b16a7d", night_colour="#d290a1"),
        Opposite(name="no_drums", label="No Drums", without="drums", colour="#757479", night_colour="#a7a5ad"),
        Opposite(name="no_bass", label="No Bass", without="bass", colour="#7d6eab", night_colour="#a295cf"),
        Opposite(name="no_other", label="No Other", without="other", colour="#558e88", night_colour="#7cbdb4"),
        Opposite(name="no_guitar", label="No Guitar", without="guitar", colour="#b08557", night_colour="#deb78a"),
        Opposite(name="no_piano", label="No Piano", without="piano", colour="#5e7fad", night_colour="#85a4cf"),
    )
}
#: The parts of a split drum stem, by their names, from low to high.
KIT_TABLE: dict[str, KitPart] = {
    part.name: part
    for part in (
        KitPart(name="kick", label="Drums Kick", keys=(35, 36), colour="#57565f", night_colour="#8f8c9c"),
        KitPart(name="snare", label="Drums Snare", keys=(37, 38, 39, 40), colour="#6b6a77", night_colour="#a19eae"),
        KitPart(
            name="toms", label="Drums Toms", keys=(41, 43, 45, 47, 48, 50), colour="#7f7d8c", night_colour="#b3b1bf"
        ),
        KitPart(name="hats", label="Drums Hats", keys=(42, 44, 46), colour="#9391a0", night_colour="#c6c4d0"),
        KitPart(
            name="cymbals",
            label="Drums Cymbals",
            keys=(49, 51, 52, 53, 55, 57, 59),
            colour="#a7a5b4",
            night_colour="#d9d8e1",
        ),
    )
}
#: A recording that is transcribed without separation; it is handled like a stem.
MIX = Stem(name="mix", label="Mix", channel=5, colour="#3d7fd9", night_colour="#6aa8ff")

#: The names of all stems, in order.
STEMS: tuple[str, ...] = tuple(STEM_TABLE)
#: The stem that a kit plays.
DRUMS = "drums"
#: The names of the parts of a split drum stem, in order.
KIT: tuple[str, ...] = tuple(KIT_TABLE)
#: The names of the stems that most models give.
FOUR_STEMS = STEMS[:4]
#: The names of all that can be written as audio, in order: single stems, then opposites.
AUDIO_STEMS: tuple[str, ...] = (*STEMS, *OPPOSITE_TABLE)
_OPPOSITES = {opposite.without: opposite.name for opposite in OPPOSITE_TABLE.values()}


def stem_of(name: str) -> Stem:
    """The stem of that name; for a name from outside that no row has, `MIX` under that name."""
    return STEM_TABLE.get(name) or (
        MIX if name == MIX.name else msgspec.structs.replace(MIX, name=name, label=name.capitalize())
    )


def row_of(name: str) -> Stem | Opposite | KitPart:
    """The row of a stem, an opposite or a part of the drums."""
    return OPPOSITE_TABLE.get(name) or KIT_TABLE.get(name) or stem_of(name)


def label_of(name: str) -> str:
    """The label of a stem, an opposite or a part of the drums, for file names and people."""
    return row_of(name).label


def is_audio_only(name: str) -> bool:
    """Whether notes cannot be read from it, because it is an opposite or a part of the drums."""
    return not isinstance(row_of(name), Stem)


def notes_of(name: str) -> str:
    """The stem whose notes tell of it: itself, or the drums of their parts; empty: an opposite, of which none do."""
    if name in OPPOSITE_TABLE:
        return ""
    return DRUMS if name in KIT_TABLE else name


def opposite_of(stem: str) -> str:
    """The name of the mix without `stem`, one of `STEMS`."""
    return _OPPOSITES[stem]


def single_stem_of(name: str) -> str:
    """The stem that `name` is made of: itself, or the stem that an opposite lacks."""
    return OPPOSITE_TABLE[name].without if name in OPPOSITE_TABLE else name


def single_stems(names: Iterable[str]) -> tuple[str, ...]:
    """The single stems among `names`: those that notes can be read from."""
    return tuple(name for name in names if name not in OPPOSITE_TABLE)


def doubles(names: Iterable[str]) -> frozenset[str]:
    """The opposites and parts of the drums that would double what others of `names` play, if all sounded at once."""
    heard: set[str] = set()
    found = set()
    for name in sorted(names, key=sounds_after):
        if heard.isdisjoint(played_by(name)):
            heard |= played_by(name)
        else:
            found.add(name)
    return frozenset(found)


def sounds_after(name: str) -> tuple[bool, bool]:
    """A key that sorts what may sound first to the front: stems, then opposites, then parts of the drums.

    Beside the vocals, say, the whole rest of the song is heard rather than its drums alone.
    """
    return name in KIT_TABLE, name in OPPOSITE_TABLE


def played_by(name: str) -> frozenset[str]:
    """What sounds in a stem, an opposite or a part of the drums; the drums are their parts."""
    if name in OPPOSITE_TABLE:
        others = (stem for stem in STEMS if stem != OPPOSITE_TABLE[name].without)
        return frozenset().union(*map(played_by, others))
    return frozenset(KIT) if name == DRUMS else frozenset({name})
