"""The lowest octave of a bass: the network sees the stem an octave higher, where it hears better, and is mapped down.

basic-pitch knows few notes below E1, and none without overtones: a five-string bass comes out octaves too high, a
sine of 50 Hz not at all. An octave up and saturated (`SpedUp`), it hears both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.dsp.arrays import Bytes
from bridge.transcription.pitched.posteriors import (
    BINS_PER_SEMITONE,
    LOWEST_PITCH,
    Posteriors,
)

OCTAVE = 12
#: An octave up is twice as fast.
STEP = 2
#: Pitches up to this one are read an octave up: E2. Above, the network needs no help, and its time resolution halves.
HIGHEST = 40
#: The saturation of the stem an octave up (`SpedUp`).
DRIVE, EVEN = 3.0, 0.4


def with_low_octave(plain: Posteriors, note: Bytes, onset: Bytes, contour: Bytes) -> Posteriors:
    """The posteriors, those of low pitches raised by the reading of `SpedUp(audio, STEP, DRIVE, EVEN)`.

    Args:
        note: as in `Posteriors`, of the faster stem: half as many frames or a few more; so are the others.
    """
    columns = HIGHEST - LOWEST_PITCH + 1
    bins = BINS_PER_SEMITONE
    return replace(
        plain,
        note=_fused(plain.note, note, columns, OCTAVE),
        onset=_fused(plain.onset, onset, columns, OCTAVE),
        contour=_fused(plain.contour, contour, bins * columns, bins * OCTAVE),
    )


def _fused(plain: Bytes, up: Bytes, columns: int, shift: int) -> Bytes:
    """`plain`, in its first `columns` raised to the mean of both readings; `up` has half as many frames and is higher
    by `shift`, and weighs twice as much."""
    lowered = up[:, shift : shift + columns].astype(np.uint16)
    following = np.concatenate((lowered[1:], lowered[-1:]))
    twice = np.stack((lowered, (lowered + following) // 2), axis=1).reshape(-1, columns)[: len(plain)]
    found = plain.copy()
    low = plain[:, :columns]
    found[:, :columns] = np.maximum(low, ((low + 2 * twice) // 3).astype(np.uint8))
    return np.asarray(found)
