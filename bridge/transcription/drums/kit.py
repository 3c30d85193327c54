"""The pieces of a drum kit, as General MIDI names them: when one counts as struck, and where it is loud."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE_HZ = 44100


@dataclass(frozen=True)
class Drum:
    """One piece of the kit."""

    name: str
    """As `recognising.OUTPUTS` has it."""
    key: int
    least_chance: float
    """The best of 0.35, 0.5 and 0.65 on songs for choosing; between them F1 differs by 0.01."""
    length_seconds: float
    """Of its notes."""
    lowest_hz: float
    highest_hz: float
    """How hard it was struck is read between these, where the pieces it is struck with are softest."""
    softest_db: float = -60.0
    """So far below a loud stroke it is taken for what bleeds in: feet play more evenly than hands."""


KICK = Drum("kick", 36, 0.5, 0.1, 0, 108, softest_db=-12.0)
SNARE = Drum("snare", 38, 0.5, 0.08, 190, 7500)
TOM = Drum("tom", 45, 0.5, 0.15, 65, 500)
HAT = Drum("hat", 42, 0.5, 0.06, 12000, 22050)
OPEN_HAT = Drum("open hat", 46, 0.5, 0.25, 12000, 22050)
CRASH = Drum("crash", 49, 0.5, 0.8, 2000, 22050)
RIDE = Drum("ride", 51, 0.5, 0.2, 2000, 22050)
KIT = (KICK, SNARE, TOM, HAT, OPEN_HAT, CRASH, RIDE)

#: Toms by where most of their sound lies, from low to high: the lowest frequency of each, and its key.
TOM_KEYS = ((0.0, 41), (100.0, 45), (145.0, 47), (200.0, 50))
