"""Soft masks from the shape of a spectrogram: float32 in [0, 1], shape (bins, columns).

Tones are ridges along time, hits are ridges along frequency, centred sources have no side signal, and an accompaniment
holds its pitch while a voice moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.separation.draft.running_median import ALONG_FREQUENCY, ALONG_TIME, running_median, running_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.dsp.stft import Spectrum
    from bridge.separation.draft.running_median import Mask

#: Prevents division by zero in silent bins; far below the power of one bit of 24-bit audio.
_FLOOR = np.float32(1e-20)


def magnitude(spectrum: Spectrum) -> Mask:
    """Root mean square over the channels."""
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    level: Mask = np.sqrt(power.mean(axis=0))
    return level


def harmonic(level: Mask, columns: int, bins: int) -> Mask:
    """The share of tones, as opposed to hits, in each bin (median filtering: FitzGerald, DAFx 2010)."""
    tone = np.square(running_median(level, columns, ALONG_TIME))
    hit = np.square(running_median(level, bins, ALONG_FREQUENCY))
    mask: Mask = tone / (tone + hit + _FLOOR)
    return mask


def moving(level: Mask, columns: int, weight: float) -> Mask:
    """The share of each bin above its median over `columns`; a larger `weight` favours the sustained part."""
    sustained = running_median(level, columns, ALONG_TIME)
    changing = np.square(np.maximum(level - sustained, 0))
    mask: Mask = changing / (changing + np.float32(weight) * np.square(sustained) + _FLOOR)
    return mask


def centred(spectrum: Spectrum, bins: int, columns: int, sharpness: float) -> Mask:
    """The share of centred sound in each bin, measured over `bins` × `columns` neighbours.

    1 if left equals right; 0.5 if the side signal is 10·log10(sharpness) dB below the mid signal.
    """
    left, right = spectrum
    mid = _local_sum(_power(left + right), bins, columns)
    side = _local_sum(_power(left - right), bins, columns)
    mask: Mask = mid / (mid + np.float32(sharpness) * side + _FLOOR)
    return mask


def _power(spectrum: npt.NDArray[np.complex64]) -> Mask:
    return np.square(spectrum.real) + np.square(spectrum.imag)


def _local_sum(power: Mask, bins: int, columns: int) -> Mask:
    return running_sum(running_sum(power, columns, ALONG_TIME), bins, ALONG_FREQUENCY)


def below(frequencies_hz: npt.NDArray[np.float64], corner_hz: float) -> Mask:
    """Power response of a fourth-order Butterworth low-pass: shape (bins, 1), 0.5 at `corner_hz`."""
    response: Mask = (1 / (1 + (frequencies_hz / corner_hz) ** 8)).astype(np.float32)[:, np.newaxis]
    return response
