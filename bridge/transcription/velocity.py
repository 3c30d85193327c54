"""Velocities from the levels of notes, not from the network's confidence."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels

#: The velocity of a loud note; leaves room for accents above it.
LOUD_VELOCITY = 110
#: One velocity step is half a decibel: 40 dB below loud is 30.
VELOCITY_STEPS_PER_DECIBEL = 2.0
#: The percentile of the levels that counts as loud; not the maximum, so one outlier does not lower all others.
LOUD_PERCENTILE = 90
NONE: Decibels = np.zeros(0, np.float32)


def velocities(levels: Decibels, before: Decibels = NONE, louder_db: float = 0.0) -> npt.NDArray[np.int64]:
    """A velocity, 1–127, for each level in dB (notes,): 110 for the loud ones among them, 2 less per dB below.

    Pitched stems pass the levels of all their notes; drums those of one drum, so each drum has its own scale.

    Args:
        before: levels of earlier notes, which also tell what is loud.
        louder_db: how much louder the loud notes among those to come are expected to be.
    """
    if not len(levels):
        return np.zeros(0, np.int64)
    below = levels - loud_db(levels, before, louder_db)
    return np.asarray(np.clip(np.rint(LOUD_VELOCITY + VELOCITY_STEPS_PER_DECIBEL * below), 1, 127), np.int64)


def loud_db(levels: Decibels, before: Decibels = NONE, louder_db: float = 0.0) -> float:
    """The level in dB that counts as loud, with the arguments of `velocities`; of at least one level."""
    return float(np.percentile(np.append(before, levels), LOUD_PERCENTILE)) + louder_db
