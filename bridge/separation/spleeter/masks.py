"""The share of the vocals in a spectrogram, from the magnitudes that the two networks estimate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.separation.spleeter.unet import Magnitudes

#: Prevents division by zero where both estimates are 0, as in Spleeter.
FLOOR = np.float32(1e-10)
#: The bins whose share continues above the networks' range, as a fraction of it: its upper octave, 5.5 to 11 kHz.
CONTINUED_FROM = 0.5


def vocal_share(vocals: Magnitudes, accompaniment: Magnitudes, bins: int) -> npt.NDArray[np.float32]:
    """The ratio of powers, v² / (v² + a²): float32 in [0, 1], shape (channels, `bins`, columns).

    The networks know the bins below 11 kHz. Above, the power of the upper octave decides for each column, so that a
    sibilant or cymbal is not cut in two; Spleeter itself leaves those bins out, or takes the mean of all shares.
    """
    known = vocals.shape[2]
    vocal_power, other_power = np.square(vocals), np.square(accompaniment)
    share = np.empty((len(vocals), bins, vocals.shape[1]), np.float32)
    share[:, :known] = (vocal_power / (vocal_power + other_power + FLOOR)).transpose(0, 2, 1)
    first = int(known * CONTINUED_FROM)
    above = [power[:, :, first:].sum(axis=2) for power in (vocal_power, other_power)]
    share[:, known:] = (above[0] / (above[0] + above[1] + FLOOR))[:, np.newaxis]
    return share
