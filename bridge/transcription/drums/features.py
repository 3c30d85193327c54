"""What a stroke sounds like among all others of its clip: what the network that names drums is told of it."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS, Bands

#: Stretches of time around a stroke: first frame and the one after the last, from 81 ms before to 203 ms after.
SLOTS = ((-14, -8), (-8, -4), (-4, -2), (-2, 0), (0, 2), (2, 5), (5, 10), (10, 19), (19, 35))
ATTACK = 4
#: A band's scale is its level in a loud stroke, and no less than this share of the loudest band's.
LOUD_PERCENTILE, USUAL_PERCENTILE, LEAST_SCALE = 95, 50, 0.03
#: Levels below this share of the scale are all the same.
FLOOR = 0.02
#: Nothing is told of strokes further away than this.
FAR_SECONDS = 0.5
WIDTH = len(SLOTS) * BANDS + 2 * BANDS + 2


def hit_features(bands: Bands, frames: Indices) -> Floats:
    """The levels of every slot and band on the clip's own scale, in nepers; that scale itself, and what strokes usually
    have of it; how long ago the last stroke was, and how soon the next one comes: (strokes, WIDTH)."""
    heard = np.zeros((len(frames), WIDTH), np.float32)
    if not len(frames):
        return heard
    levels = heard[:, : len(SLOTS) * BANDS].reshape(len(frames), len(SLOTS), BANDS)
    for index, (start, stop) in enumerate(SLOTS):
        for step in range(start, stop):
            inside = (frames + step >= 0) & (frames + step < bands.frames)
            levels[inside, index] += bands.level[frames[inside] + step] / (stop - start)
    attacks = levels[:, ATTACK : ATTACK + 2].max(axis=1)
    loud = np.percentile(attacks, LOUD_PERCENTILE, axis=0)
    scale = np.maximum(loud, max(LEAST_SCALE * float(loud.max()), 1e-9))
    usual = np.percentile(attacks, USUAL_PERCENTILE, axis=0)
    levels /= scale.astype(np.float32)
    levels += FLOOR
    np.log(levels, out=levels)
    clip = np.concatenate((np.log(scale / scale.max()), np.log(usual / scale + FLOOR)))
    gaps = np.diff(frames) / bands.frame_rate_hz
    away = np.stack((np.append(FAR_SECONDS, gaps), np.append(gaps, FAR_SECONDS)), axis=1)
    heard[:, len(SLOTS) * BANDS : -2] = clip
    heard[:, -2:] = np.log(np.minimum(away, FAR_SECONDS) / FAR_SECONDS)
    return heard
