"""Notes on the network's time grid, before they get a loudness and a bend; and what finds them there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.dsp.peaks import find_peaks


class NoteSegment(NamedTuple):
    """Frames `start` to `stop` (not included) in which one pitch sounds."""

    start: int
    stop: int
    pitch: int
    confidence: float
    """Mean probability that the pitch sounds, 0–1."""
    slides: bool = False
    """Its pitch moves on to that of another key, or comes from there."""


def runs(active: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """First and after-last frame of every unbroken run of True in (frames,): (runs, 2)."""
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0))
    return edges.reshape(-1, 2)


def join(found: npt.NDArray[np.intp], apart: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The runs (runs, 2), each joined to the next unless they are `apart`, (runs - 1,)."""
    if len(found) < 2:
        return found
    return np.stack((found[np.append(True, apart), 0], found[np.append(apart, True), 1]), axis=1)


def gaps(found: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Frames between each run and the next: (runs - 1,)."""
    return found[1:, 0] - found[:-1, 1]


def peaks(evidence: npt.NDArray[np.float32], threshold: float, apart: int) -> list[int]:
    """Frames of the maxima of (frames,) from `threshold` up, the first and last frame too.

    Of two that lie less than `apart` frames from each other, the higher one.
    """
    walled = np.pad(evidence, 1, constant_values=-1.0)
    return [place - 1 for place in find_peaks(walled, height=threshold, distance=max(1, apart)).tolist()]
