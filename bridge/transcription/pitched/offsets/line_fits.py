"""Straight lines fitted by least squares to any part of many envelopes at once."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Decibels, Doubles, Indices


class LineFits:
    """Running sums over each envelope, with which a line fit over any range costs a few subtractions."""

    def __init__(self, envelopes: Decibels) -> None:
        length = envelopes.shape[1]
        level = envelopes.astype(np.float64) + 60.0  # near 0: the sums of squares stay small
        time = np.arange(length, dtype=np.float64)
        self._time = np.append(0.0, np.cumsum(time))
        self._time_squared = np.append(0.0, np.cumsum(time * time))
        self._level = np.pad(np.cumsum(level, axis=1), ((0, 0), (1, 0)))
        self._level_squared = np.pad(np.cumsum(level * level, axis=1), ((0, 0), (1, 0)))
        self._both = np.pad(np.cumsum(level * time, axis=1), ((0, 0), (1, 0)))

    def line(self, start: Indices, stop: Indices) -> tuple[Doubles, Doubles]:
        """Sum of squared errors and slope (dB per frame) of the least-squares line through frames `start` to `stop`."""

        def total(sums: Doubles) -> Doubles:
            if sums.ndim == 1:
                return sums[stop] - sums[start]
            return np.take_along_axis(sums, _broadcast(stop, sums), 1) - np.take_along_axis(
                sums, _broadcast(start, sums), 1
            )

        number = np.maximum(stop - start, 1).astype(np.float64)
        time, level = total(self._time), total(self._level)
        spread = np.maximum(total(self._time_squared) - time * time / number, 1e-9)
        together = total(self._both) - time * level / number
        error = total(self._level_squared) - level * level / number - together * together / spread
        return np.maximum(error, 0.0), together / spread


def _broadcast(index: Indices, sums: Doubles) -> Indices:
    return np.broadcast_to(index, (len(sums), index.shape[1]))
