"""What the network believes about a stem, frame by frame: the input of every decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]

#: MIDI number of the lowest pitch, A0.
LOWEST_PITCH = 21
PITCHES = 88
BINS_PER_SEMITONE = 3
CONTOUR_BINS = PITCHES * BINS_PER_SEMITONE
#: The contour bin on which A0 lies: the middle one of its semitone. Measured with tones from E2 to C6, whose peaks lie
#: on bin 3·(pitch - 21) + 1; basic-pitch itself reckons without the 1, and so bends every note by 33 cents.
CENTRAL_BIN = 1


@dataclass(frozen=True)
class Posteriors:
    """Probabilities on one uniform time grid: frame i is centred on `i / frame_rate_hz` seconds.

    All arrays are float32 with the same number of frames; an empty clip has none.
    """

    note: Matrix
    """(frames, 88): the pitch sounds, 0–1."""
    onset: Matrix
    """(frames, 88): a note of that pitch begins, 0–1."""
    contour: Matrix
    """(frames, 264): the pitch in thirds of a semitone, 0–1."""
    power: Matrix
    """(frames,): mean square of the audio from one frame's centre to the next, full scale at 1."""
    frame_rate_hz: float
    duration_seconds: float

    @property
    def frames(self) -> int:
        return int(self.note.shape[0])

    def columns(self, lowest: int, highest: int) -> slice:
        """The columns of `note` and `onset` that hold the MIDI pitches `lowest` to `highest`, both included."""
        return slice(max(0, lowest - LOWEST_PITCH), min(PITCHES, highest - LOWEST_PITCH + 1))


def contour_bin(pitch: int) -> int:
    """The column of `Posteriors.contour` on which a MIDI pitch lies when it is in tune."""
    return BINS_PER_SEMITONE * (pitch - LOWEST_PITCH) + CENTRAL_BIN
