"""The lowest octave of a bass: the network sees the stem an octave higher, where it hears better, and is mapped down.

basic-pitch knows few notes below E1, and none without overtones: a five-string bass comes out octaves too high, a
sine of 50 Hz not at all. Every second sample of the stem, taken for audio at the full rate, is the stem an octave up at
twice its speed; saturation gives a sine the overtones by which the network knows a pitch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Bytes, Floats
from bridge.dsp.padded_read import samples_between
from bridge.transcription.pitched.basic_pitch import BasicPitch
from bridge.transcription.pitched.posteriors import (
    BINS_PER_SEMITONE,
    LOWEST_PITCH,
    Posteriors,
)

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

OCTAVE = 12
#: Pitches up to this one are read an octave up: E2. Above, the network needs no help, and its time resolution halves.
HIGHEST = 40
#: A half-band low-pass: a windowed sinc of this many samples to each side.
TAPS = 15


#: The saturation's drive, and its even part: odd overtones alone would be a clarinet's.
DRIVE, EVEN = 3.0, 0.4
#: The loudest sample of this many blocks on each side of a block sets the level of its saturation: a period of A0.
BLOCK, AROUND = 64, 8
FAINTEST = 1e-6


@dataclass(frozen=True)
class OctaveUp:
    """A `Signal` of every second sample of another (1 channel): at the same rate, an octave up and twice as fast.

    It is saturated: it has overtones where the other has none.
    """

    audio: Signal
    channels: int = 1

    @property
    def sample_rate_hz(self) -> int:
        return self.audio.sample_rate_hz

    @property
    def frames(self) -> int:
        return -(-self.audio.frames // 2)

    def read(self, start: int, stop: int) -> Floats:
        if stop <= start:
            return np.zeros((0, 1), np.float32)
        # Whole blocks from the clip's start on, so that the result does not depend on how it is read.
        first, last = start // BLOCK, -(-stop // BLOCK)
        at, until = (first - AROUND) * BLOCK, (last + AROUND) * BLOCK
        samples = samples_between(self.audio, 2 * at - TAPS, 2 * until - 1 + TAPS)
        filtered = np.convolve(samples, _half_band(), mode="valid")[::2]
        peaks = np.abs(filtered).reshape(-1, BLOCK).max(axis=1)
        level = np.lib.stride_tricks.sliding_window_view(peaks, 2 * AROUND + 1).max(axis=1)
        level = np.repeat(np.maximum(level, FAINTEST), BLOCK)[start - first * BLOCK :][: stop - start]
        relative = filtered[start - at :][: stop - start] / level
        saturated = level * (np.tanh(DRIVE * relative) + EVEN * np.abs(relative))
        return np.asarray(saturated[:, np.newaxis], np.float32)


def with_low_octave(plain: Posteriors, audio: Signal, network: BasicPitch, control: Control) -> Posteriors:
    """The posteriors, those of low pitches raised by the reading an octave up.

    Args:
        audio: what the posteriors are of.

    Raises:
        EngineFailed: the network failed.
        Cancelled: from `control`.
    """
    note, onset, contour = network.probabilities(OctaveUp(audio), control)
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


def _half_band() -> Floats:
    places = np.arange(-TAPS, TAPS + 1)
    taps = 0.5 * np.sinc(places / 2) * np.hanning(2 * TAPS + 3)[1:-1]
    return np.asarray(taps / taps.sum(), np.float32)
