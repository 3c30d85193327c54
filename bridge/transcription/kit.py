"""What the drums of a kit sound like in general: spectra and decays in round figures, not recordings of any kit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bridge.transcription.bands import BANDS, CENTRES_HZ, HOP
from bridge.transcription.strokes import FEATURES, STRETCHES, Numbers

SAMPLE_RATE_HZ = 44100


@dataclass(frozen=True)
class Drum:
    """One piece of the kit as General MIDI names it."""

    name: str
    key: int
    surprise: float
    """What it costs to take it for struck, as a share of the stroke's sound that it must explain: rare ones more."""
    length_seconds: float
    is_cymbal: bool = False


KICK = Drum("kick", 36, 0.03, 0.1)
SNARE = Drum("snare", 38, 0.03, 0.08)
TOM = Drum("tom", 45, 0.15, 0.15)
CLOSED_HAT = Drum("closed hat", 42, 0.03, 0.06, is_cymbal=True)
OPEN_HAT = Drum("open hat", 46, 0.09, 0.25, is_cymbal=True)
CRASH = Drum("crash", 49, 0.1, 0.8, is_cymbal=True)
RIDE = Drum("ride", 51, 0.25, 0.2, is_cymbal=True)
KIT = (KICK, SNARE, TOM, CLOSED_HAT, OPEN_HAT, CRASH, RIDE)

#: What a separation leaves of a bass among the drums: no piece of the kit, and never a note.
BLEED = Drum("bleed", 0, 0.05, 0.0)
#: And of the attacks of voices and instruments: their middle, without the wires and cymbals above it.
RESIDUE = Drum("residue", 0, 0.05, 0.0)

#: Toms by where most of their sound lies, from low to high: the lowest frequency of each, and its key.
TOM_KEYS = ((0.0, 41), (100.0, 45), (145.0, 47), (200.0, 50))

#: Where the spectra below are written down.
ANCHORS_HZ = (50, 85, 130, 180, 300, 600, 1200, 2400, 5000, 8000, 12000, 18000)
#: The stick's or beater's click: much the same for all, over in a moment.
CLICK_ANCHORS_HZ, CLICK_DB, CLICK_SECONDS = (60, 200, 7000, 18000), (-4, 0, 0, -20), 0.005
#: The body has its full level for so long before it decays: the transform's window is as long.
HOLD_SECONDS = 0.006


@dataclass(frozen=True)
class Sound:
    """One way in which a drum may sound."""

    drum: Drum
    body_db: tuple[int, ...]
    """At `ANCHORS_HZ`, the strongest at 0."""
    decay_ms: tuple[int, int, int]
    """Until 12 dB less are left: below 150 Hz, from 400 Hz to 4 kHz, above 7 kHz."""
    click_db: int

    def template(self) -> Numbers:
        """Its levels in every stretch and band of a stroke: (FEATURES,)."""
        octaves = np.log(CENTRES_HZ)
        body = _linear(np.interp(octaves, np.log(ANCHORS_HZ), self.body_db))
        low, middle, high = np.log(self.decay_ms)
        decay = np.exp(np.interp(octaves, np.log([150, 400, 4000, 7000]), [low, middle, middle, high]))
        seconds = decay / 1000 / np.log(10 ** (12 / 20))
        click = _linear(self.click_db + np.interp(octaves, np.log(CLICK_ANCHORS_HZ), CLICK_DB))
        levels = np.zeros((len(STRETCHES), BANDS))
        for row, (start, stop) in zip(levels, STRETCHES, strict=True):
            time = np.maximum(np.arange(start, stop) * HOP / SAMPLE_RATE_HZ - HOLD_SECONDS, 0.0)
            row += body * np.exp(-time / seconds[:, np.newaxis]).mean(axis=1)
            row += click * np.exp(-time / CLICK_SECONDS).mean()
        return levels.reshape(FEATURES)


#: The first three columns of a spectrum are the kick's, the next three the shells', the rest wires and cymbals.
SOUNDS = (
    Sound(KICK, (0, 0, -6, -18, -27, -33, -35, -36, -37, -40, -48, -55), (60, 40, 30), -14),
    Sound(KICK, (0, -2, -18, -28, -32, -34, -36, -38, -40, -44, -50, -56), (200, 40, 30), -15),
    Sound(SNARE, (-25, -17, -5, 0, -1, -9, -9, -11, -10, -12, -19, -27), (50, 48, 80), -8),
    Sound(SNARE, (-27, -18, -9, -4, -3, -3, -4, -3, -2, -5, -12, -18), (30, 25, 40), -8),
    Sound(SNARE, (-32, -28, -22, -18, -10, -1, -1, -3, -5, -9, -14, -20), (25, 40, 45), -10),
    Sound(SNARE, (-25, -14, -3, 0, -3, -8, -8, -9, -12, -19, -26, -32), (60, 95, 100), -8),
    Sound(TOM, (-7, 0, 0, -5, -9, -16, -20, -24, -28, -36, -45, -55), (230, 50, 25), -12),
    Sound(TOM, (-20, -7, 0, 0, -6, -15, -19, -22, -26, -33, -42, -52), (200, 50, 25), -13),
    Sound(TOM, (-26, -20, -8, -2, 0, -12, -17, -20, -24, -30, -38, -48), (170, 45, 25), -14),
    Sound(CLOSED_HAT, (-36, -36, -34, -32, -28, -20, -18, -14, -6, -2, 0, -2), (20, 40, 48), -20),
    Sound(CLOSED_HAT, (-36, -36, -34, -32, -24, -8, -8, -6, -3, 0, -2, -8), (20, 20, 40), -14),
    Sound(OPEN_HAT, (-36, -34, -32, -30, -24, -9, -10, -9, -2, -1, -4, -8), (60, 180, 250), -22),
    Sound(CRASH, (-42, -42, -38, -30, -16, 0, -3, -6, -4, -8, -13, -22), (100, 300, 450), -14),
    Sound(RIDE, (-38, -38, -36, -32, -22, -14, -8, -4, 0, -1, -4, -9), (100, 400, 150), -8),
    Sound(BLEED, (-6, -1, 0, -2, -6, -15, -26, -36, -46, -56, -60, -60), (900, 400, 200), -40),
    Sound(RESIDUE, (-18, -18, -12, -6, -3, 0, -1, -6, -18, -30, -40, -50), (60, 40, 40), -20),
)


def _linear(decibels: Numbers) -> Numbers:
    return np.asarray(10 ** (decibels / 20))
