"""Velocities from how loud the notes are, not from how sure the network is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels

#: A loud note of the stem gets this velocity, which leaves room for accents above it.
LOUD_VELOCITY = 110
#: 40 dB below, 30: half a decibel a step.
STEPS_PER_DECIBEL = 2.0
#: Which of the stem's notes counts as a loud one: not the loudest, so that one outlier does not turn all others down.
LOUD_PERCENTILE = 90


def velocities(levels: Decibels) -> npt.NDArray[np.int64]:
    """1–127 for each level in dB, over the stem's own range: its loud notes 110, 2 steps less for each dB below."""
    if not len(levels):
        return np.zeros(0, np.int64)
    below = levels - np.percentile(levels, LOUD_PERCENTILE)
    return np.asarray(np.clip(np.rint(LOUD_VELOCITY + STEPS_PER_DECIBEL * below), 1, 127), np.int64)
