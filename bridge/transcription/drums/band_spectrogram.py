"""How loud a drum stem is in each of a few frequency bands, from moment to moment: the drum transcriber's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.fft import rfft

from bridge.dsp.arrays import Floats
from bridge.dsp.padded_read import samples_between

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

WINDOW = 1024
HOP = 256
#: Frames read at once: about 12 s at 44.1 kHz.
BLOCK_FRAMES = 2048
#: Where one band ends and the next begins: single bins of the transform at first, then half an octave or less.
EDGES_HZ = (
    *(0, 65, 108, 151, 194, 258, 344, 474, 646, 905, 1250),
    *(1720, 2370, 3230, 4350, 5800, 7500, 9700, 12500, 16000, 22051),
)
BANDS = len(EDGES_HZ) - 1
#: The middle of each band; the lowest is taken to begin at 40 Hz.
CENTRES_HZ = np.sqrt(np.maximum(EDGES_HZ[:-1], 40.0) * EDGES_HZ[1:])


@dataclass(frozen=True)
class Bands:
    """Magnitude of each band (root of the power in it), float32 (frames, BANDS), 0 and up.

    Frame i is centred on sample 256 · i.
    """

    level: Floats
    frame_rate_hz: float
    duration_seconds: float

    @property
    def frames(self) -> int:
        return int(self.level.shape[0])


def analyse(audio: Signal, control: Control) -> Bands:
    """The bands of `audio` (1 channel), read a block at a time.

    Raises:
        Cancelled: `control` said so.
    """
    frames = -(-audio.frames // HOP)
    level = np.zeros((frames, BANDS), np.float32)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)  # Hann's
    first_bins = [round(edge * WINDOW / audio.sample_rate_hz) for edge in EDGES_HZ[:-1]]
    for first in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(first / frames)
        rows = slice(first, min(first + BLOCK_FRAMES, frames))
        windows = np.lib.stride_tricks.sliding_window_view(_stretch(audio, first, rows.stop - first), WINDOW)[::HOP]
        spectra = rfft(windows * window, axis=1)
        level[rows] = np.sqrt(np.add.reduceat(np.square(np.abs(spectra)), first_bins, axis=1))
    return Bands(level, audio.sample_rate_hz / HOP, audio.frames / audio.sample_rate_hz)


def _stretch(audio: Signal, first: int, count: int) -> Floats:
    """The samples under `count` windows from frame `first` on, silence outside the clip: (samples,)."""
    start = first * HOP - WINDOW // 2
    return samples_between(audio, start, start + (count - 1) * HOP + WINDOW)
