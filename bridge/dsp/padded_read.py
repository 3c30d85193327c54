"""Samples for windows that reach beyond the ends of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Floats

if TYPE_CHECKING:
    from bridge.protocols import Signal


def samples_between(audio: Signal, start: int, stop: int) -> Floats:
    """Frames `start` to `stop` of `audio` (1 channel), zero outside the clip and where they are NaN:
    float32 (stop - start,)."""
    inside = audio.read(max(0, start), min(stop, audio.frames))[:, 0]
    samples = np.zeros(stop - start, np.float32)
    samples[max(0, -start) :][: len(inside)] = np.nan_to_num(inside)
    return samples
