"""The drum classifier's inputs: the sound of a hit relative to the other hits of its clip."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS, BandSpectrogram

#: Time slots around a hit, as (first frame, last frame + 1): from 81 ms before to 203 ms after.
SLOTS = ((-14, -8), (-8, -4), (-4, -2), (-2, 0), (0, 2), (2, 5), (5, 10), (10, 19), (19, 35))
#: The first slot from the hit's onset on.
ATTACK_SLOT = 4
#: A band's scale is its level in a loud hit, and at least this share of the loudest band's.
LOUD_PERCENTILE, USUAL_PERCENTILE, MIN_SCALE_SHARE = 95, 50, 0.03
#: Added to scaled levels, so that levels far below it all look the same.
FLOOR = 0.02
#: Gaps to neighbouring hits are capped here.
MAX_GAP_SECONDS = 0.5
#: Columns of a feature vector: levels of every slot and band; the clip's scale and usual level of each band; the gaps
#: to the hits before and after.
LEVEL_COLUMNS = slice(0, len(SLOTS) * BANDS)
CLIP_COLUMNS = slice(LEVEL_COLUMNS.stop, LEVEL_COLUMNS.stop + 2 * BANDS)
GAP_COLUMNS = slice(CLIP_COLUMNS.stop, CLIP_COLUMNS.stop + 2)
WIDTH: int = GAP_COLUMNS.stop


def hit_features(spectrogram: BandSpectrogram, frames: Indices) -> Floats:
    """The feature vector of each hit: float32 (hits, WIDTH).

    `LEVEL_COLUMNS`: levels on the clip's own scale, in nepers. `CLIP_COLUMNS`: that scale relative to the loudest band,
    and the median hit relative to the scale, in nepers. `GAP_COLUMNS`: log time since the hit before and until the hit
    after, relative to `MAX_GAP_SECONDS`.
    """
    features = np.zeros((len(frames), WIDTH), np.float32)
    if not len(frames):
        return features
    levels = features[:, LEVEL_COLUMNS].reshape(len(frames), len(SLOTS), BANDS)
    for index, (start, stop) in enumerate(SLOTS):
        for step in range(start, stop):
            inside = (frames + step >= 0) & (frames + step < spectrogram.frames)
            levels[inside, index] += spectrogram.level[frames[inside] + step] / (stop - start)
    attacks = levels[:, ATTACK_SLOT : ATTACK_SLOT + 2].max(axis=1)
    loud = np.percentile(attacks, LOUD_PERCENTILE, axis=0)
    scale = np.maximum(loud, max(MIN_SCALE_SHARE * float(loud.max()), 1e-9))
    usual = np.percentile(attacks, USUAL_PERCENTILE, axis=0)
    levels /= scale.astype(np.float32)
    levels += FLOOR
    np.log(levels, out=levels)
    gaps = np.diff(frames) / spectrogram.frame_rate_hz
    around = np.stack((np.append(MAX_GAP_SECONDS, gaps), np.append(gaps, MAX_GAP_SECONDS)), axis=1)
    features[:, CLIP_COLUMNS] = np.concatenate((np.log(scale / scale.max()), np.log(usual / scale + FLOOR)))
    features[:, GAP_COLUMNS] = np.log(np.minimum(around, MAX_GAP_SECONDS) / MAX_GAP_SECONDS)
    return features
