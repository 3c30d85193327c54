"""What a spectrogram's shape says about its sources: soft masks in [0, 1], float32, shape (bins, columns).

Tones are ridges along time, hits are ridges along frequency, what is panned to the centre has no side signal, and an
accompaniment stays where a voice moves on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.separation.draft.running_median import ALONG_FREQUENCY, ALONG_TIME, running_median, running_sum

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.separation.draft.running_median import Mask
    from bridge.separation.draft.stft import Spectrum

#: Keeps a silent bin from dividing by zero; far below the power of one bit of 24-bit audio.
_FLOOR = np.float32(1e-20)


def magnitude(spectrum: Spectrum) -> Mask:
    """Root mean square over the channels."""
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    level: Mask = np.sqrt(power.mean(axis=0))
    return level


def harmonic(level: Mask, columns: int, bins: int) -> Mask:
    """How much of each bin is a tone rather than a hit (median filtering: FitzGerald, DAFx 2010)."""
    tone = np.square(running_median(level, columns, ALONG_TIME))
    hit = np.square(running_median(level, bins, ALONG_FREQUENCY))
    mask: Mask = tone / (tone + hit + _FLOOR)
    return mask


def moving(level: Mask, columns: int, weight: float) -> Mask:
    """How much of each bin rises above what is there for most of `columns` columns; `weight` favours what stays."""
    sustained = running_median(level, columns, ALONG_TIME)
    changing = np.square(np.maximum(level - sustained, 0))
    mask: Mask = changing / (changing + np.float32(weight) * np.square(sustained) + _FLOOR)
    return mask


def centred(spectrum: Spectrum, bins: int, columns: int, sharpness: float) -> Mask:
    """How much of each bin lies in the middle of the stereo image, judged over `bins` × `columns` neighbours.

    1 where left equals right; a half where the side signal is 10·log10(sharpness) dB below the mid signal.
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
    """Power response of a fourth-order Butterworth low-pass: shape (bins, 1), a half at `corner_hz`."""
    response: Mask = (1 / (1 + (frequencies_hz / corner_hz) ** 8)).astype(np.float32)[:, np.newaxis]
    return response
