"""The drums of a kit: their General MIDI keys, detection thresholds and frequency ranges."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE_HZ = 44100


@dataclass(frozen=True)
class Drum:
    """One drum of the kit."""

    name: str
    """The name of the classifier's output."""
    key: int
    """The General MIDI key of its notes."""
    keys: tuple[int, ...]
    """The General MIDI keys whose hits the classifier's output covers; a side stick counts as a snare."""
    threshold: float
    """Least probability of a hit, chosen on tuning songs; F1 differs by 0.01 between neighbouring values."""
    length_seconds: float
    """The length of its notes."""
    lowest_hz: float
    highest_hz: float
    """Its level is measured between these, where the drums that often sound with it are softest."""
    floor_db: float = -60.0
    """Hits this far below a loud one are taken for bleed. The kick's is high: feet play more evenly than hands."""


KICK = Drum("kick", 36, (35, 36), 0.5, 0.1, 0, 108, floor_db=-10.0)
SNARE = Drum("snare", 38, (37, 38, 40), 0.35, 0.08, 190, 7500)
TOM = Drum("tom", 45, (41, 43, 45, 47, 48, 50), 0.5, 0.15, 65, 500)
HAT = Drum("hat", 42, (42, 44, 46), 0.3, 0.06, 12000, 22050)
OPEN_HAT = Drum("open hat", 46, (46,), 0.25, 0.25, 12000, 22050)
CRASH = Drum("crash", 49, (49, 52, 55, 57), 0.5, 0.8, 2000, 22050)
RIDE = Drum("ride", 51, (51, 53, 59), 0.5, 0.2, 2000, 22050)
#: The order is that of the classifier's outputs.
KIT = (KICK, SNARE, TOM, HAT, OPEN_HAT, CRASH, RIDE)

#: Toms from low to high: the lowest spectral centroid of each in Hz, and its key.
TOM_KEYS = ((0.0, 41), (100.0, 45), (145.0, 47), (200.0, 50))
