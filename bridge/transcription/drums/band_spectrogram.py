"""The band spectrogram of a drum stem: the drum transcriber's input."""

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
#: Frames computed at once: about 12 s at 44.1 kHz.
BLOCK_FRAMES = 2048
#: Band edges: single FFT bins at the bottom, half an octave or less above.
BAND_EDGES_HZ = (
    *(0, 65, 108, 151, 194, 258, 344, 474, 646, 905, 1250),
    *(1720, 2370, 3230, 4350, 5800, 7500, 9700, 12500, 16000, 22051),
)
BANDS = len(BAND_EDGES_HZ) - 1
#: Geometric centre of each band; the lowest band is treated as starting at 40 Hz.
BAND_CENTRES_HZ = np.sqrt(np.maximum(BAND_EDGES_HZ[:-1], 40.0) * BAND_EDGES_HZ[1:])


@dataclass(frozen=True)
class BandSpectrogram:
    """The magnitude of each band (square root of its power): float32 (frames, BANDS), at least 0.

    Frame i is centred on sample 256 · i.
    """

    level: Floats
    frame_rate_hz: float
    duration_seconds: float

    @property
    def frames(self) -> int:
        return int(self.level.shape[0])


def band_spectrogram(audio: Signal, control: Control) -> BandSpectrogram:
    """The band spectrogram of `audio` (1 channel), computed block by block.

    Raises:
        Cancelled: from `control`.
    """
    frames = -(-audio.frames // HOP)
    level = np.zeros((frames, BANDS), np.float32)
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
    first_bins = [round(edge * WINDOW / audio.sample_rate_hz) for edge in BAND_EDGES_HZ[:-1]]
    for first in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(first / frames)
        rows = slice(first, min(first + BLOCK_FRAMES, frames))
        samples = _padded_samples(audio, first, rows.stop - first)
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
        spectra = rfft(windows * hann, axis=1)
        level[rows] = np.sqrt(np.add.reduceat(np.square(np.abs(spectra)), first_bins, axis=1))
    return BandSpectrogram(level, audio.sample_rate_hz / HOP, audio.frames / audio.sample_rate_hz)


def _padded_samples(audio: Signal, first: int, count: int) -> Floats:
    """The samples under `count` windows from frame `first` on, zero outside the clip: (samples,)."""
    start = first * HOP - WINDOW // 2
    return samples_between(audio, start, start + (count - 1) * HOP + WINDOW)
