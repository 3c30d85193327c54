"""How much louder a clip will get: its mix is known from the start, even while its stems are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Doubles

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: Pieces of the mix that are measured: how long, how far apart at least, and how many at most.
PIECE_SECONDS, APART_SECONDS, MOST_PIECES = 0.04, 0.25, 800
#: The percentile of their levels that counts as loud, as for velocities; quieter pieces than this are silence.
LOUD_PERCENTILE, SILENCE_DB = 90, -90.0
#: A mix also grows louder because more instruments play: a stem is expected to follow it by this share.
SHARE = 0.5


class Foresight:
    """The levels of a whole mix."""

    def __init__(self, mix: Signal) -> None:
        rate = mix.sample_rate_hz
        length = min(mix.frames, max(1, round(PIECE_SECONDS * rate)))
        apart = max(APART_SECONDS, mix.frames / rate / MOST_PIECES)
        starts = np.arange(0, mix.frames - length + 1 if mix.frames else 0, max(1, round(apart * rate)))
        power = [float(np.square(mix.read(start, start + length).mean(axis=1)).mean()) for start in starts.tolist()]
        levels = 10 * np.log10(np.maximum(np.nan_to_num(power), 1e-20))
        self._seconds: Doubles = starts[levels > SILENCE_DB] / rate
        self._levels: Doubles = levels[levels > SILENCE_DB]

    def louder_db(self, until_seconds: float) -> float:
        """By how much the loud notes of the whole are expected to be louder than those until then; may be negative."""
        heard = self._levels[self._seconds < until_seconds]
        if not len(heard):
            return 0.0
        whole, so_far = (np.percentile(levels, LOUD_PERCENTILE) for levels in (self._levels, heard))
        return SHARE * float(whole - so_far)
