"""The drum classifier's inputs: the sound of a hit relative to the other hits of its clip."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS, BandSpectrogram
from bridge.transcription.drums.layout import ATTACK_SLOT, HIT, SLOTS

#: A band's scale is its level in a loud hit, and at least this share of the loudest band's.
LOUD_HIT_PERCENTILE, USUAL_PERCENTILE, MIN_SCALE_SHARE = 95, 50, 0.03
#: Added to scaled levels, so that levels far below it all look the same.
FLOOR = 0.02
#: Gaps to neighbouring hits are capped here.
MAX_GAP_SECONDS = 0.5


def hit_features(spectrogram: BandSpectrogram, frames: Indices) -> Floats:
    """The feature vector of each hit, as `layout.HIT` describes it: float32 (hits, `HIT.width`)."""
    features = np.zeros((len(frames), HIT.width), np.float32)
    if not len(frames):
        return features
    levels = features[:, HIT["levels"]].reshape(len(frames), len(SLOTS), BANDS)
    for index, (start, stop) in enumerate(SLOTS):
        for step in range(start, stop):
            inside = (frames + step >= 0) & (frames + step < spectrogram.frames)
            levels[inside, index] += spectrogram.level[frames[inside] + step] / (stop - start)
    attacks = levels[:, ATTACK_SLOT : ATTACK_SLOT + 2].max(axis=1)
    loud = np.percentile(attacks, LOUD_HIT_PERCENTILE, axis=0)
    scale = np.maximum(loud, max(MIN_SCALE_SHARE * float(loud.max()), 1e-9))
    usual = np.percentile(attacks, USUAL_PERCENTILE, axis=0)
    levels /= scale.astype(np.float32)
    levels += FLOOR
    np.log(levels, out=levels)
    gaps = np.diff(frames) / spectrogram.frame_rate_hz
    around = np.stack((np.append(MAX_GAP_SECONDS, gaps), np.append(gaps, MAX_GAP_SECONDS)), axis=1)
    features[:, HIT["scale"]] = np.log(scale / scale.max())
    features[:, HIT["usual"]] = np.log(usual / scale + FLOOR)
    features[:, HIT["gaps"]] = np.log(np.minimum(around, MAX_GAP_SECONDS) / MAX_GAP_SECONDS)
    return features
