"""The network's output for a stem, frame by frame, with measured levels: the decoders' input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Bytes, Floats

#: MIDI number of the lowest pitch, A0.
LOWEST_PITCH = 21
PITCHES = 88
BINS_PER_SEMITONE = 3
CONTOUR_BINS = PITCHES * BINS_PER_SEMITONE
#: The contour bin of A0: the middle one of its semitone. Measured with tones from E2 to C6, whose peaks lie on bin
#: 3·(pitch - 21) + 1; basic-pitch itself omits the 1, and thereby bends every note by 33 cents.
CENTRAL_BIN = 1

#: Probabilities are stored in a byte, 1 as 255: an hour is 165 MB.
PROBABILITY_SCALE = 255
#: Levels are stored in a byte too, as steps of half a decibel above a floor.
FLOOR_DB = -110.0
STEPS_PER_DECIBEL = 2.0

#: Changes whenever the meaning of stored posteriors changes.
POSTERIORS_VERSION = 3


@dataclass(frozen=True)
class Posteriors:
    """Probabilities and levels on one uniform time grid: frame i is centred on `i / frame_rate_hz` seconds.

    All arrays have the same number of frames; an empty clip has none.
    """

    note: Bytes
    """(frames, 88): the pitch sounds, 0–255 for 0–1."""
    onset: Bytes
    """(frames, 88): a note of that pitch begins, 0–255 for 0–1."""
    contour: Bytes
    """(frames, 264): the pitch in thirds of a semitone, 0–255 for 0–1."""
    level: Bytes
    """(frames, 88): the level of the semitone, in steps of 0.5 dB above -110 dB; a sine of full scale has -3 dB."""
    power: Floats
    """(frames,): mean square of the audio from one frame's centre to the next; full scale is 1."""
    frame_rate_hz: float
    duration_seconds: float

    @property
    def frames(self) -> int:
        return int(self.note.shape[0])

    def columns(self, lowest: int, highest: int) -> slice:
        """The columns of `note`, `onset` and `level` that hold MIDI pitches `lowest` to `highest`, both included."""
        return slice(max(0, lowest - LOWEST_PITCH), max(0, min(PITCHES, highest - LOWEST_PITCH + 1)))

    def between(self, start: int, stop: int) -> Posteriors:
        """Frames `start` to `stop`, as a clip of their own."""
        whole_clip = stop >= self.frames
        parts = {name: getattr(self, name)[start:stop] for name in ("note", "onset", "contour", "level", "power")}
        end = self.duration_seconds if whole_clip else stop / self.frame_rate_hz
        return replace(self, **parts, duration_seconds=end - start / self.frame_rate_hz)

    def arrays(self) -> dict[str, Any]:
        """All fields as arrays, for `numpy.savez`."""
        return {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Posteriors:
        """The inverse of `arrays`.

        Raises:
            ValueError: an array is missing, or has a wrong dtype or shape.
        """
        try:
            found = {field.name: arrays[field.name] for field in fields(cls)}
        except KeyError as exc:
            raise ValueError(f"posteriors lack {exc}") from exc
        frames = len(found["power"])
        for name, bins in (("note", PITCHES), ("onset", PITCHES), ("contour", CONTOUR_BINS), ("level", PITCHES)):
            if found[name].shape != (frames, bins) or found[name].dtype != np.uint8:
                raise ValueError(f"posteriors have a {name} of shape {found[name].shape}")
        return cls(
            note=found["note"].astype(np.uint8, copy=False),
            onset=found["onset"].astype(np.uint8, copy=False),
            contour=found["contour"].astype(np.uint8, copy=False),
            level=found["level"].astype(np.uint8, copy=False),
            power=found["power"].astype(np.float32, copy=False),
            frame_rate_hz=float(found["frame_rate_hz"][()]),
            duration_seconds=float(found["duration_seconds"][()]),
        )


def as_bytes(probability: npt.NDArray[np.floating]) -> Bytes:
    """Probabilities 0–1, quantised to bytes."""
    return np.asarray(np.rint(np.clip(probability, 0.0, 1.0) * PROBABILITY_SCALE), np.uint8)


def contour_bin(pitch: int) -> int:
    """The column of `Posteriors.contour` of a MIDI pitch that is in tune."""
    return BINS_PER_SEMITONE * (pitch - LOWEST_PITCH) + CENTRAL_BIN
