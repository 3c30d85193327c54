"""The grid for quantising: even, in triplets, or swung; in odd metres anew with every bar."""

from __future__ import annotations

import math
from bisect import bisect_right
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
#: A step that a bar misses by rounding only.
TOLERANCE_STEPS = 1e-9


@dataclass(frozen=True)
class Grid:
    """Grid points that repeat: every pair of steps, or every bar."""

    points: tuple[float, ...]
    """The points of one turn, as shares of it, in order; the first is 0."""
    turn_seconds: float
    first_seconds: float = 0.0
    """When a turn starts."""

    @classmethod
    def of_pairs(cls, step_seconds: float, first_seconds: float = 0.0, ratio: float = EVEN) -> Grid:
        """Grid points at every step; every second one (the off-beats) is late by the swing.

        Args:
            ratio: position of the off-beats between their neighbours, 0.5–0.75: 0.667 is triplet swing.
        """
        return cls((0.0, ratio), 2 * step_seconds, first_seconds)

    @classmethod
    def of_bars(cls, step_seconds: float, bar_seconds: float, first_seconds: float = 0.0) -> Grid:
        """Grid points at every step from each start of a bar, as DAWs draw them; the bar's last step may be shorter."""
        steps = math.ceil(bar_seconds / step_seconds - TOLERANCE_STEPS)
        return cls(tuple(step * step_seconds / bar_seconds for step in range(steps)), bar_seconds, first_seconds)

    def seconds(self, index: int) -> float:
        turn, point = divmod(index, len(self.points))
        return self.first_seconds + (turn + self.points[point]) * self.turn_seconds

    def nearest(self, seconds: float) -> int:
        """The index of the nearest grid point; halfway, of the earlier one."""
        turn, share = divmod(self._turns(seconds), 1.0)
        after = int(turn) * len(self.points) + bisect_right(self.points, share)
        return min((after - 2, after - 1, after), key=lambda index: (abs(self.seconds(index) - seconds), index))

    def after(self, seconds: float) -> int:
        """The index of the first grid point after `seconds`."""
        index = self.nearest(seconds)
        return index if self.seconds(index) > seconds else index + 1

    def _turns(self, seconds: float) -> float:
        return (seconds - self.first_seconds) / self.turn_seconds


def swing_ratio(onsets: Iterable[tuple[int, float]], straight: Grid, clip_seconds: float = math.inf) -> float:
    """The position at which the off-beats of `straight`, a grid of even pairs, are played: 0.5–0.75.

    Only notes that are the only one of their pitch near an off-beat count, and only between beats within the clip,
    because at its edges notes have to move to a farther grid point. So notes on the swung grid give the same ratio
    again.

    Args:
        onsets: (pitch, seconds) of every note.
    """
    around: dict[tuple[int, int], list[float]] = {}
    for pitch, seconds in onsets:
        pair, share = divmod(straight._turns(seconds), 1.0)
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
