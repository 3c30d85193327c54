"""Short-time Fourier transform with perfect reconstruction, on a time grid that starts at the first sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from bridge.protocols import Samples

    #: complex64, shape (channels, bins, columns).
    Spectrum = npt.NDArray[np.complex64]

#: Samples transformed at a time: the windows and their spectra then fit into a core's cache.
CACHE_SAMPLES = 1 << 16


class Stft:
    """Windows of `size` samples (a multiple of 4) with a hop of a quarter, and the same window in both directions.

    The squares of four overlapping windows have the same sum everywhere, so `inverse(forward(x))` is `x`. Window k is
    centred on sample `k * hop - size / 2`, so excerpts of one signal that start at multiples of `hop` share one grid.
    """

    def __init__(self, size: int, window: Literal["sine", "hann"] = "sine") -> None:
        self.size = size
        self.hop = size // 4
        turns = np.pi * np.arange(size) / size
        shape = np.sin(turns + np.pi / 2 / size) if window == "sine" else np.square(np.sin(turns))
        self._window = shape.astype(np.float32)
        self._inverse_window = (shape / np.square(shape[:: self.hop]).sum()).astype(np.float32)

    @property
    def batch_frames(self) -> int:
        """The frames from one batch of windows to the next. `inverse` adds up in the order of batches, so excerpts of
        one signal that start at multiples of this give the same bits."""
        return max(1, CACHE_SAMPLES // self.size) * self.hop

    def forward(self, samples: Samples) -> Spectrum:
        """float32 (frames, channels) → complex64 (channels, size // 2 + 1, columns)."""
        tail = -len(samples) % self.hop
        padded = np.pad(samples.T, ((0, 0), (self.size, self.size + tail)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.size, axis=1)[:, :: self.hop]
        channels, columns, _ = windows.shape
        spectrum = np.empty((channels, self.size // 2 + 1, columns), np.complex64)
        for part in self._parts(columns):
            spectrum[:, :, part] = np.fft.rfft(windows[:, part] * self._window, axis=2).transpose(0, 2, 1)
        return spectrum

    def inverse(self, spectrum: Spectrum, frames: int) -> Samples:
        """complex64 (channels, size // 2 + 1, columns) → float32 (frames, channels), the length of the original."""
        channels, _, columns = spectrum.shape
        joined = np.zeros((channels, columns + 3, self.hop), np.float32)
        for part in self._parts(columns):
            windows = np.fft.irfft(spectrum[:, :, part].transpose(0, 2, 1), self.size, axis=2) * self._inverse_window
            quarters = windows.reshape(channels, -1, 4, self.hop)
            for quarter in range(4):
                joined[:, part.start + quarter : part.stop + quarter] += quarters[:, :, quarter]
        return np.ascontiguousarray(joined.reshape(channels, -1)[:, self.size : self.size + frames].T)

    def _parts(self, columns: int) -> Iterator[slice]:
        """Batches of windows that fit into a core's cache."""
        count = max(1, CACHE_SAMPLES // self.size)
        return (slice(start, min(start + count, columns)) for start in range(0, columns, count))
