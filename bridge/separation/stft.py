"""Short-time Fourier transform with perfect reconstruction, on a time grid that starts at the first sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy.fft

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.protocols import Samples

    #: complex64, shape (channels, bins, times).
    Spectrum = npt.NDArray[np.complex64]


class Stft:
    """Windows of `size` samples (a multiple of 4), a quarter of it apart, under a sine window both ways.

    The squares of the sine windows of four overlapping frames sum to 2 everywhere, so `inverse(forward(x))` is `x`.
    Window k is centred on sample `k * hop - size / 2`: two stretches of one signal that begin at multiples of `hop`
    have their windows at the same places.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.hop = size // 4
        self._window = np.sin(np.pi * (np.arange(size) + 0.5) / size).astype(np.float32)

    def forward(self, samples: Samples) -> Spectrum:
        """float32 (frames, channels) → complex64 (channels, size // 2 + 1, times)."""
        tail = -len(samples) % self.hop
        padded = np.pad(samples.T, ((0, 0), (self.size, self.size + tail)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=1)[:, :: self.hop]
        spectrum: Spectrum = scipy.fft.rfft(windows * self._window, axis=2)
        return np.ascontiguousarray(spectrum.transpose(0, 2, 1))

    def inverse(self, spectrum: Spectrum, frames: int) -> Samples:
        """complex64 (channels, size // 2 + 1, times) → float32 (frames, channels), the `frames` that went in."""
        windows = scipy.fft.irfft(spectrum.transpose(0, 2, 1), self.size, axis=2) * (self._window / 2)
        channels, times, _ = windows.shape
        quarters = windows.reshape(channels, times, 4, self.hop)
        joined = np.zeros((channels, times + 3, self.hop), np.float32)
        for quarter in range(4):
            joined[:, quarter : quarter + times] += quarters[:, :, quarter]
        return np.ascontiguousarray(joined.reshape(channels, -1)[:, self.size : self.size + frames].T)
