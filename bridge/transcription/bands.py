"""How loud a drum stem is in a few frequency bands, and how fast it gets louder: the input of the drum transcriber."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import rfft
from scipy.signal.windows import hann

from bridge.transcription.posteriors import Matrix

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

WINDOW = 1024
HOP = 256
#: Frames read at once: about 12 s at 44.1 kHz.
BLOCK_FRAMES = 2048


@dataclass(frozen=True)
class Bands:
    """Magnitudes summed over each band, float32 (frames, bands), 0 and up; frame i is centred on sample 256 · i."""

    level: Matrix
    rise: Matrix
    """By how much the bins get louder from the frame before, those that get softer left out (spectral flux: Bello et
    al., "A Tutorial on Onset Detection in Music Signals", 2005)."""
    frame_rate_hz: float
    duration_seconds: float

    @property
    def frames(self) -> int:
        return int(self.level.shape[0])


def analyse(audio: Signal, edges_hz: Sequence[tuple[float, float]], control: Control) -> Bands:
    """The bands of `audio` (1 channel), read a block at a time.

    Args:
        edges_hz: the lowest and highest frequency of each band.

    Raises:
        Cancelled: `control` said so.
    """
    frames = -(-audio.frames // HOP)
    level = np.zeros((frames, len(edges_hz)), np.float32)
    rise = np.zeros_like(level)
    window = hann(WINDOW, sym=False).astype(np.float32)
    columns = [slice(*(round(edge * WINDOW / audio.sample_rate_hz) for edge in edges)) for edges in edges_hz]
    before = np.zeros((1, WINDOW // 2 + 1), np.float32)
    for first in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(first / frames)
        rows = slice(first, min(first + BLOCK_FRAMES, frames))
        samples = _stretch(audio, first, rows.stop - first)
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]
        magnitudes = np.abs(rfft(windows * window, axis=1))
        rising = np.maximum(np.diff(np.concatenate((before, magnitudes)), axis=0), 0)
        for band, bins in enumerate(columns):
            level[rows, band] = magnitudes[:, bins].sum(axis=1)
            rise[rows, band] = rising[:, bins].sum(axis=1)
        before = magnitudes[-1:]
    return Bands(level, rise, audio.sample_rate_hz / HOP, audio.frames / audio.sample_rate_hz)


def _stretch(audio: Signal, first: int, count: int) -> Matrix:
    """The samples under `count` windows from frame `first` on, silence outside the clip: (samples,)."""
    start = first * HOP - WINDOW // 2
    stop = start + (count - 1) * HOP + WINDOW
    inside = audio.read(max(0, start), min(stop, audio.frames))[:, 0]
    samples = np.zeros(stop - start, np.float32)
    samples[max(0, -start) :][: len(inside)] = np.nan_to_num(inside)
    return samples
