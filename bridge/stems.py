"""The table of stems: name, label, channel, colours."""

from __future__ import annotations

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
#: A recording that is transcribed without separation; it is handled like a stem.
MIX = Stem(name="mix", label="Mix", channel=5, colour="#3d7fd9", night_colour="#6aa8ff")

#: The names of all stems, in order.
STEMS: tuple[str, ...] = tuple(STEM_TABLE)
#: The names of the stems that most models give.
FOUR_STEMS = STEMS[:4]


def stem_of(name: str) -> Stem:
    """The stem of that name; for a name from outside that no row has, `MIX` under that name."""
    return STEM_TABLE.get(name) or (
        MIX if name == MIX.name else msgspec.structs.replace(MIX, name=name, label=name.capitalize())
    )
