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
#: Where a stem has less than this share of its hits' power in a drum's bands, as after a low-pass, they reach lower.
MIN_POWER_SHARE = 1e-6


def levels_db(increments: Doubles, drum: Drum) -> Decibels:
    """The level of each hit in the drum's own bands, in dB re an arbitrary reference: float32 (hits,).

    Args:
        increments: from `hit_onsets.hit_increments`: (hits, slots, BANDS).
    """
    power = np.square(increments[:, ATTACK_SLOTS]).sum(axis=1)
    lowest = int(np.searchsorted(BAND_CENTRES_HZ, drum.lowest_hz))
    highest = int(np.searchsorted(BAND_CENTRES_HZ, drum.highest_hz))
    while lowest > 0 and power[:, lowest:highest].sum() < MIN_POWER_SHARE * power.sum():
        lowest -= 1
    power = power[:, lowest:highest].sum(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, SILENCE)), np.float32)


def tom_keys(increments: Doubles) -> Indices:
    """The General MIDI tom for each hit, by the spectral centroid of its body: (hits,)."""
    low = BAND_CENTRES_HZ < TOMS_BELOW_HZ
    body = np.square(increments[:, BODY_SLOTS][:, :, low].sum(axis=1))
    log_centroids = (body * np.log(BAND_CENTRES_HZ[low])).sum(axis=1) / np.maximum(body.sum(axis=1), SILENCE)
    edges, keys = [lowest for lowest, _ in TOM_KEYS], np.array([key for _, key in TOM_KEYS])
    return np.asarray(keys[np.maximum(np.searchsorted(edges, np.exp(log_centroids), side="right") - 1, 0)], np.intp)
