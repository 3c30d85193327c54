"""The grid for quantising: even, in triplets, or swung."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

#: The position of an off-beat between its beats, as a share: from even to dotted.
EVEN, DOTTED = 0.5, 0.75
#: Notes in this range determine the swing ratio.
SWING_SHARES = (0.4, 0.75)
#: Every position that some swung grid would quantise to an off-beat.
NEAR_OFF_BEAT = (EVEN / 2, (1 + DOTTED) / 2)
#: With fewer off-beats the grid is even; a ratio closer to even than this is unsteady playing, not swing.
MIN_OFF_BEATS = 4
MIN_SWING = 0.04
#: A beat this close to an edge of the clip lies on it.
TOLERANCE_SECONDS = 1e-6


@dataclass(frozen=True)
class Grid:
    """Grid points at every step; every second one (the off-beats) is late by the swing."""

    step_seconds: float
    first_seconds: float = 0.0
    """Time of a grid point on a beat."""
    ratio: float = EVEN
    """Position of the off-beats between their neighbours, 0.5–0.75: 0.667 is triplet swing."""

    def seconds(self, index: int) -> float:
        pair, off_beat = divmod(index, 2)
        return self.first_seconds + (pair + self.ratio * off_beat) * 2 * self.step_seconds

    def nearest(self, seconds: float) -> int:
        """The index of the nearest grid point; halfway, of the earlier one."""
        around = range((pair := 2 * math.floor(self._pairs(seconds))) - 1, pair + 4)
        return min(around, key=lambda index: (abs(self.seconds(index) - seconds), index))

    def after(self, seconds: float) -> int:
        """The index of the first grid point after `seconds`."""
        index = self.nearest(seconds)
        return index if self.seconds(index) > seconds else index + 1

    def _pairs(self, seconds: float) -> float:
        return (seconds - self.first_seconds) / (2 * self.step_seconds)


def swing_ratio(onsets: Iterable[tuple[int, float]], straight: Grid, clip_seconds: float = math.inf) -> float:
    """The position at which the off-beats of `straight` are played, 0.5–0.75.

    Only notes that are the only one of their pitch near an off-beat count, and only between beats within the clip,
    because at its edges notes have to move to a farther grid point. So notes on the swung grid give the same ratio
    again.

    Args:
        onsets: (pitch, seconds) of every note.
    """
    around: dict[tuple[int, int], list[float]] = {}
    for pitch, seconds in onsets:
        pair, share = divmod(straight._pairs(seconds), 1.0)
        beat, next_beat = straight.seconds(2 * int(pair)), straight.seconds(2 * int(pair) + 2)
        if beat < -TOLERANCE_SECONDS or next_beat > clip_seconds + TOLERANCE_SECONDS:
            continue
        if NEAR_OFF_BEAT[0] <= share <= NEAR_OFF_BEAT[1]:
            around.setdefault((pitch, int(pair)), []).append(share)
    shares = [found[0] for found in around.values() if len(found) == 1 and _is_swing_share(found)]
    ratio = median(shares) if len(shares) >= MIN_OFF_BEATS else EVEN
    # Rounded, so that measuring the ratio again gives the same number.
    return EVEN if ratio < EVEN + MIN_SWING else round(ratio, 3)


def _is_swing_share(shares: Sequence[float]) -> bool:
    return SWING_SHARES[0] <= shares[0] <= SWING_SHARES[1]
