"""Note segments: notes in frames, before they get velocities and bends; and helpers that find them."""

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
    """Its pitch slides to or from another key."""


def runs(active: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """First frame and last frame + 1 of every run of True in (frames,): (runs, 2)."""
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
    """Frames of the maxima of (frames,) that reach `threshold`; the first and last frame may be maxima.

    Of two that are less than `apart` frames apart, the higher one.
    """
    padded = np.pad(evidence, 1, constant_values=-1.0)
    return [index - 1 for index in find_peaks(padded, height=threshold, distance=max(1, apart)).tolist()]
