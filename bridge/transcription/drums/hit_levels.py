"""The level of each drum in a hit, and the pitch of a tom."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Decibels, Doubles, Indices
from bridge.transcription.drums.band_spectrogram import BAND_CENTRES_HZ
from bridge.transcription.drums.kit import TOM_KEYS, Drum

#: Increment slots that give a hit's level: its first 58 ms; later, the next hit may have begun.
ATTACK_SLOTS = slice(0, 3)
#: Increment slots that give a tom's pitch: its body, after the click.
BODY_SLOTS = slice(2, 4)
TOMS_BELOW_HZ = 500
SILENCE = 1e-9


def levels_db(increments: Doubles, drum: Drum) -> Decibels:
    """The level of each hit in the drum's own bands, in dB re an arbitrary reference: float32 (hits,).

    Args:
        increments: from `hit_onsets.hit_increments`: (hits, slots, BANDS).
    """
    own = (drum.lowest_hz <= BAND_CENTRES_HZ) & (drum.highest_hz > BAND_CENTRES_HZ)
    power = np.square(increments[:, ATTACK_SLOTS][:, :, own]).sum(axis=(1, 2))
    return np.asarray(10 * np.log10(np.maximum(power, SILENCE)), np.float32)


def tom_keys(increments: Doubles) -> Indices:
    """The General MIDI tom for each hit, by the spectral centroid of its body: (hits,)."""
    low = BAND_CENTRES_HZ < TOMS_BELOW_HZ
    body = np.square(increments[:, BODY_SLOTS][:, :, low].sum(axis=1))
    log_centroids = (body * np.log(BAND_CENTRES_HZ[low])).sum(axis=1) / np.maximum(body.sum(axis=1), SILENCE)
    edges, keys = [lowest for lowest, _ in TOM_KEYS], np.array([key for _, key in TOM_KEYS])
    return np.asarray(keys[np.maximum(np.searchsorted(edges, np.exp(log_centroids), side="right") - 1, 0)], np.intp)
