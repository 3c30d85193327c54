"""The drum classifier's inputs: the sound of a hit relative to the other hits of its clip, and to itself."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles, Floats, Indices
from bridge.transcription.drums.band_spectrogram import BANDS, BandSpectrogram
from bridge.transcription.drums.layout import ATTACK_SLOT, HIT, SHAPE_SLOTS, SLOTS

#: A band's scale is its level in a loud hit, and at least this share of the loudest band's.
LOUD_HIT_PERCENTILE, USUAL_PERCENTILE, MIN_SCALE_SHARE = 95, 50, 0.03
#: Added to scaled levels, so that levels far below it all look the same.
FLOOR = 0.02
#: The slots whose mean is the sound before a hit; the share of it that is taken to remain in each slot of the shape.
BEFORE_SLOTS, REMAINING_SHARE = slice(1, ATTACK_SLOT), (0.9, 0.8, 0.6)
#: Added to increments, which are relative to the hit's own loudest one.
SHAPE_FLOOR = 0.01
SILENCE = 1e-9
#: Gaps to neighbouring hits are capped here.
MAX_GAP_SECONDS = 0.5


def hit_features(spectrogram: BandSpectrogram, frames: Indices) -> Floats:
    """The feature vector of each hit, as `layout.HIT` describes it: float32 (hits, `HIT.width`)."""
    return features_of(slot_levels(spectrogram, frames), frames / spectrogram.frame_rate_hz)


def slot_levels(spectrogram: BandSpectrogram, frames: Indices) -> Floats:
    """The mean level of every slot and band around each hit, 0 outside the clip: float32 (hits, slots, BANDS)."""
    levels = np.zeros((len(frames), len(SLOTS), BANDS), np.float32)
    for index, (start, stop) in enumerate(SLOTS):
        for step in range(start, stop):
            inside = (frames + step >= 0) & (frames + step < spectrogram.frames)
            levels[inside, index] += spectrogram.level[frames[inside] + step] / (stop - start)
    return levels


def features_of(levels: Floats, seconds: Doubles) -> Floats:
    """The feature vectors from the hits' `slot_levels` and their times in seconds: float32 (hits, `HIT.width`)."""
    features = np.zeros((len(levels), HIT.width), np.float32)
    if not len(levels):
        return features
    attacks = levels[:, ATTACK_SLOT : ATTACK_SLOT + 2].max(axis=1)
    loud = np.percentile(attacks, LOUD_HIT_PERCENTILE, axis=0)
    scale = np.maximum(loud, max(MIN_SCALE_SHARE * float(loud.max()), SILENCE)).astype(np.float32)
    usual = np.percentile(attacks, USUAL_PERCENTILE, axis=0)
    gaps = np.diff(seconds)
    around = np.stack((np.append(MAX_GAP_SECONDS, gaps), np.append(gaps, MAX_GAP_SECONDS)), axis=1)
    features[:, HIT["levels"]] = np.log(levels / scale + FLOOR).reshape(len(levels), -1)
    features[:, HIT["scale"]] = np.log(scale / scale.max())
    features[:, HIT["usual"]] = np.log(usual / scale + FLOOR)
    features[:, HIT["gaps"]] = np.log(np.minimum(around, MAX_GAP_SECONDS) / MAX_GAP_SECONDS)
    features[:, HIT["shape"]] = _shapes(levels)
    return features


def _shapes(levels: Floats) -> Floats:
    """What each hit adds, relative to the slot and band where it adds most, in nepers: (hits, SHAPE_SLOTS * BANDS).

    A soft hit looks like a loud one, so quiet hats and rides are recognised beside a loud snare.
    """
    before = levels[:, BEFORE_SLOTS].mean(axis=1, keepdims=True)
    remaining = before * np.array(REMAINING_SHARE, np.float32)[:, np.newaxis]
    added = np.maximum(levels[:, ATTACK_SLOT : ATTACK_SLOT + SHAPE_SLOTS] - remaining, 0.0)
    added /= np.maximum(added.max(axis=(1, 2), keepdims=True), SILENCE)
    return np.asarray(np.log(added + SHAPE_FLOOR).reshape(len(levels), -1), np.float32)
