"""The spectrogram that a drum stem is split on: windows of some 46 ms, in bands that widen with the frequency."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.dsp.stft import Stft

if TYPE_CHECKING:
    from bridge.dsp.stft import Spectrum

WINDOW_SECONDS = 0.046
SMALLEST_WINDOW = 32
#: Drums have no pitch to resolve: wide bands leave less to fit, and masks without warble.
BANDS_AN_OCTAVE = 8


class BandGrid:
    """Columns and bands at one sample rate."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self.stft = Stft(max(SMALLEST_WINDOW, 1 << round(math.log2(WINDOW_SECONDS * sample_rate_hz))))
        frequencies = np.fft.rfftfreq(self.stft.size, 1 / sample_rate_hz)
        edges = [0]
        while edges[-1] < len(frequencies):
            width = round(edges[-1] * (2 ** (1 / BANDS_AN_OCTAVE) - 1))
            edges.append(min(len(frequencies), edges[-1] + max(1, width)))
        self._starts, self._widths = np.array(edges[:-1]), np.diff(edges)
        self.centres_hz = np.add.reduceat(frequencies, self._starts) / self._widths
        self.attack_columns = self.stft.size // self.stft.hop
        """How many columns of a hit hold the time before it too."""

    def column_of(self, seconds: float) -> int:
        """The first column whose window reaches beyond this time."""
        return max(0, math.ceil(seconds * self._rate / self.stft.hop))

    def columns_in(self, seconds: float) -> int:
        """About as many columns as last this long; at least 1."""
        return max(1, int(seconds * self._rate / self.stft.hop))

    def level(self, spectrum: Spectrum) -> Floats:
        """The root mean square of every band over its bins and all channels: (columns, bands)."""
        power = (np.square(spectrum.real) + np.square(spectrum.imag)).mean(axis=0)
        bands = np.add.reduceat(power, self._starts, axis=0) / self._widths[:, np.newaxis]
        return np.ascontiguousarray(np.sqrt(bands).T, dtype=np.float32)

    def in_bins(self, bands: Floats) -> Floats:
        """A value of each band as one of each of its bins: (columns, bands) → (bins, columns)."""
        return np.repeat(bands.T, self._widths, axis=0)
