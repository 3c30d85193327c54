"""Velocities from how loud the audio is, not from how sure the network is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.transcription.posteriors import Matrix

#: A loud note of the stem gets this velocity, which leaves room for accents above it.
LOUD_VELOCITY = 110
#: 40 dB below, 30: half a decibel a step.
STEPS_PER_DECIBEL = 2.0
#: Which of the stem's notes counts as a loud one: not the loudest, so that one outlier does not turn all others down.
LOUD_PERCENTILE = 90
#: Nothing below is heard as a note; it also stands for silence.
FLOOR_DB = -90.0


def levels_db(power: Matrix, onsets: npt.NDArray[np.intp], attack_frames: int) -> npt.NDArray[np.float64]:
    """Level of the audio in the loudest stretch of two frames within `attack_frames` after each onset, in dB.

    Args:
        power: mean square of each frame, (frames,), full scale at 1.
        onsets: frames, (notes,).
    """
    if not len(onsets):
        return np.zeros(0)
    padded = np.concatenate((power, np.zeros(attack_frames + 1, power.dtype))).astype(np.float64)
    pairs = (padded[:-1] + padded[1:]) / 2
    attacks = pairs[onsets[:, np.newaxis] + np.arange(attack_frames)]
    return np.asarray(10 * np.log10(np.maximum(attacks.max(axis=1), 10 ** (FLOOR_DB / 10))))


def velocities(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """1–127 for each level in dB, over the stem's own range: its loud notes 110, 2 steps less for each dB below."""
    if not len(levels):
        return np.zeros(0, np.int64)
    below = levels - np.percentile(levels, LOUD_PERCENTILE)
    return np.clip(np.rint(LOUD_VELOCITY + STEPS_PER_DECIBEL * below), 1, 127).astype(np.int64)
