"""What is known of each drum of a kit before any stem is heard: how long it sounds, and where in the spectrum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Note
from bridge.stems import KIT_TABLE

#: General MIDI's open hat, which the next hit of any hat ends.
OPEN_HAT = 46
HAT_KEYS = KIT_TABLE["hats"].keys
#: No drum is left out of any band altogether: what a stem shows may be otherwise.
LEAST_WEIGHT = 1e-3
#: An open hat sounds this much longer than its end is known, so that the hit that ends it is not torn.
FADE_SECONDS = 0.03


@dataclass(frozen=True)
class DrumShape:
    """One drum: the frequencies around which it is strongest, and how long it may sound after a hit."""

    lowest_hz: float
    highest_hz: float
    low_slope: float
    """The power with which its weight falls below `lowest_hz`; likewise above `highest_hz`."""
    high_slope: float
    seconds: float

    def weights(self, centres_hz: Doubles) -> Doubles:
        """How likely sound in bands around these frequencies is this drum's: (bands,), above 0, at most 1."""
        low = (self.lowest_hz / np.maximum(centres_hz, 1.0)) ** self.low_slope
        return np.maximum(1 / (1 + low + (centres_hz / self.highest_hz) ** self.high_slope), LEAST_WEIGHT)


#: The drums of `KIT_TABLE`, by name, and the open hat. Chosen on tuning songs (`benchmarks.quality.kit`), coarsely:
#: what a stem's own hits show soon outweighs it.
DRUMS = {
    "kick": DrumShape(1, 130, 1, 1.5, 0.5),
    "snare": DrumShape(150, 9000, 3, 2, 0.5),
    "toms": DrumShape(60, 350, 3, 1.5, 0.8),
    "hats": DrumShape(5000, 30_000, 2.5, 2, 0.15),
    "cymbals": DrumShape(2500, 30_000, 2, 2, 2.0),
}
OPEN_HAT_SECONDS = 0.6
_PARTS = {key: part.name for part in KIT_TABLE.values() for key in part.keys}


@dataclass(frozen=True)
class Hit:
    """One drum struck once."""

    key: int
    """Its General MIDI key: every key has a sound of its own."""
    onset_seconds: float
    seconds: float
    """How long it may sound."""
    gain: float
    """About how loud it is, relative to other hits of its key."""

    @property
    def part(self) -> str:
        """The name of its part of the kit, in `KIT_TABLE`."""
        return _PARTS[self.key]


def hits_of(notes: Iterable[Note]) -> list[Hit]:
    """The hits of a drum stem's notes, by onset; notes on keys that no part of the kit has are left out."""
    known = sorted((note for note in notes if note.pitch in _PARTS), key=lambda note: (note.onset_seconds, note.pitch))
    hats = [note.onset_seconds for note in known if note.pitch in HAT_KEYS]
    ends = dict(zip(hats, [*hats, float("inf")][1:], strict=True))
    found = []
    for note in known:
        seconds = DRUMS[_PARTS[note.pitch]].seconds
        if note.pitch == OPEN_HAT:
            seconds = min(OPEN_HAT_SECONDS, ends[note.onset_seconds] - note.onset_seconds + FADE_SECONDS)
        # A step of velocity is half a decibel (`transcription.velocity`).
        found.append(Hit(note.pitch, note.onset_seconds, seconds, 10 ** ((note.velocity - 127) / 40)))
    return found
