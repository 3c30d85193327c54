"""How hard each piece of a kit was struck, and how high a tom sounds."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Decibels, Doubles, Indices
from bridge.transcription.drums.band_spectrogram import CENTRES_HZ
from bridge.transcription.drums.kit import TOM_KEYS, Drum

#: Which of the stretches of a stroke tell how hard it was: its first 58 ms, after which the next may have begun.
STRUCK = slice(0, 3)
#: Which tell how high a tom is: its body, after the click.
BODY = slice(2, 4)
TOMS_BELOW_HZ = 500
SILENCE = 1e-9


def levels_db(added: Doubles, drum: Drum) -> Decibels:
    """What each stroke adds where the drum is heard best, in dB of any reference: (strokes,)."""
    own = (drum.lowest_hz <= CENTRES_HZ) & (drum.highest_hz > CENTRES_HZ)
    power = np.square(added[:, STRUCK][:, :, own]).sum(axis=(1, 2))
    return np.asarray(10 * np.log10(np.maximum(power, SILENCE)), np.float32)


def tom_keys(added: Doubles) -> Indices:
    """General MIDI's toms by where most of each stroke's body lies: (strokes,)."""
    low = CENTRES_HZ < TOMS_BELOW_HZ
    body = np.square(added[:, BODY][:, :, low].sum(axis=1))
    logs = (body * np.log(CENTRES_HZ[low])).sum(axis=1) / np.maximum(body.sum(axis=1), SILENCE)
    edges, keys = [lowest for lowest, _ in TOM_KEYS], np.array([key for _, key in TOM_KEYS])
    return np.asarray(keys[np.maximum(np.searchsorted(edges, np.exp(logs), side="right") - 1, 0)], np.intp)
