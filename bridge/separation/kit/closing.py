"""Rounds the parts of a stem so that they sum to it: the largest of each sample takes what rounding leaves over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples, StemBlock


def on_steps(samples: Samples, step: float) -> Samples:
    """The nearest whole steps of an integer format whose step is `step`, a power of two; 0: as they are."""
    if step == 0:
        return samples
    rounded: Samples = (np.rint(samples.astype(np.float64) / step) * step).astype(np.float32)
    return rounded


def closed(parts: StemBlock, whole: Samples, step: float) -> dict[str, Samples]:
    """The parts on steps, summing to `whole`, which lies on them.

    With steps of up to 24 bits the sum is `whole` to the bit, as long as no sample is beyond ±2. In floats (`step` 0)
    it differs from `whole` by no more than the rounding of the largest part: half of its last bit. It cannot be exact
    there: where large parts cancel out, a small sum has more bits than they hold.
    """
    names = [*parts]
    rounded = np.stack([on_steps(parts[name], step) for name in names])
    largest = np.argmax(np.abs(rounded), axis=0)[np.newaxis]
    over = whole.astype(np.float64) - rounded.sum(axis=0, dtype=np.float64)
    taken = np.take_along_axis(rounded, largest, axis=0) + over
    np.put_along_axis(rounded, largest, taken.astype(np.float32), axis=0)
    return {name: np.ascontiguousarray(rounded[index]) for index, name in enumerate(names)}
