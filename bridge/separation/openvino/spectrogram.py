"""HTDemucs' spectrogram without torch: the equivalent of its `_spec`, `_magnitude`, `_mask` and `_ispec`.

The hop is a quarter of the Hann window, and the signal is padded by reflection so that a segment of n frames has
exactly ceil(n / hop) columns. Each output frame is covered by four windows whose squares sum to 1.5.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.separation.networks.base import Estimate, Planes

    Array = npt.NDArray[np.float32]

_SQUARED_WINDOWS = 1.5


class Spectrogram:
    """Transforms segments of `frames` frames to spectrograms of `size // 2` bins and back (the Nyquist bin is 0)."""

    def __init__(self, size: int, frames: int) -> None:
        self._size = size
        self._hop = size // 4
        self._frames = frames
        self.columns = -(-frames // self._hop)
        self._edge = self._hop // 2 * 3
        turns = 2 * np.pi * np.arange(size) / size
        self._window = (0.5 - 0.5 * np.cos(turns)).astype(np.float32)
        self._workers = os.cpu_count() or 1

    def forward(self, audio: Planes) -> Array:
        """float32 (channels, frames) → float32 (channels × 2, size // 2, columns), real and imaginary in turn."""
        tail = self.columns * self._hop - self._frames
        padded = np.pad(audio, ((0, 0), (self._edge, self._edge + tail)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, self._size, axis=1)[:, :: self._hop]
        scale = np.float32(1 / np.sqrt(self._size))
        spectra = scipy.fft.rfft(windows * (self._window * scale), axis=2, workers=self._workers)[..., :-1]
        parts = np.stack([spectra.real, spectra.imag], axis=1)  # (channels, 2, columns, bins)
        planes: Array = np.ascontiguousarray(parts.transpose(0, 1, 3, 2))
        return planes.reshape(-1, self._size // 2, self.columns)

    def inverse(self, planes: Array) -> Estimate:
        """float32 (sources, channels × 2, size // 2, columns) → float32 (sources, channels, frames)."""
        sources, doubled, bins, columns = planes.shape
        channels = doubled // 2
        window = self._window * np.float32(np.sqrt(self._size) / _SQUARED_WINDOWS)
        spectra = np.zeros((columns, bins + 1), np.complex64)
        joined = np.zeros((sources * channels, columns + 3, self._hop), np.float32)
        # One channel at a time: all together take 90 MB, which the system would have to zero for every segment.
        for (real, imaginary), overlapping in zip(planes.reshape(-1, 2, bins, columns), joined, strict=True):
            spectra.real[:, :-1] = real.T
            spectra.imag[:, :-1] = imaginary.T
            windows = scipy.fft.irfft(spectra, self._size, axis=1, workers=self._workers)
            windows *= window
            quarters = windows.reshape(columns, 4, self._hop)
            for quarter in range(4):
                overlapping[quarter : quarter + columns] += quarters[:, quarter]
        audio: Estimate = joined.reshape(sources, channels, -1)[..., self._edge : self._edge + self._frames]
        return audio
