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


class BandReading:
    """The band spectrogram of `audio` (1 channel) that grows, computed block by block."""

    def __init__(self, audio: Signal) -> None:
        self.audio = audio
        self.frame_rate_hz = audio.sample_rate_hz / HOP
        self.frames = 0
        """How many frames are ready."""
        self._level: Floats = np.zeros((-(-audio.frames // HOP), BANDS), np.float32)
        self._hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)).astype(np.float32)
        self._first_bins = [round(edge * WINDOW / audio.sample_rate_hz) for edge in BAND_EDGES_HZ[:-1]]

    def advance(self, known: int, control: Control) -> None:
        """Computes what the first `known` samples allow.

        Raises:
            Cancelled: from `control`.
        """
        frames = len(self._level)
        ready = frames if known >= self.audio.frames else min(frames, max(0, (known - WINDOW // 2) // HOP + 1))
        while self.frames < ready:
            control.checkpoint(self.frames / frames)
            rows = slice(self.frames, min(self.frames + BLOCK_FRAMES, ready))
            samples = _padded_samples(self.audio, rows.start, rows.stop - rows.start)
            windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
            spectra = rfft(windows * self._hann, axis=1)
            self._level[rows] = np.sqrt(np.add.reduceat(np.square(np.abs(spectra)), self._first_bins, axis=1))
            self.frames = rows.stop

    def between(self, start: int, stop: int) -> BandSpectrogram:
        """Frames `start` to `stop`, which are ready, as if the clip were these."""
        seconds = (min(stop * HOP, self.audio.frames) - start * HOP) / self.audio.sample_rate_hz
        return BandSpectrogram(self._level[start:stop], self.frame_rate_hz, seconds)

    def whole(self) -> BandSpectrogram:
        """The spectrogram of the whole clip, once it is known."""
        return self.between(0, len(self._level))


def band_spectrogram(audio: Signal, control: Control) -> BandSpectrogram:
    """The band spectrogram of `audio` (1 channel).

    Raises:
        Cancelled: from `control`.
    """
    reading = BandReading(audio)
    reading.advance(audio.frames, control)
    return reading.whole()


def _padded_samples(audio: Signal, first: int, count: int) -> Floats:
    """The samples under `count` windows from frame `first` on, zero outside the clip: (samples,)."""
    start = first * HOP - WINDOW // 2
    return samples_between(audio, start, start + (count - 1) * HOP + WINDOW)
