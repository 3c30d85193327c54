"""Moments that notes are moved onto: even, in triplets, or swung."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

#: Where an off-beat may lie between its beats, as a share: from even to dotted.
EVEN, DOTTED = 0.5, 0.75
#: What is played there tells how it swings.
TELLING = (0.4, 0.75)
#: Whatever some swung grid would take for an off-beat.
NEAR_OFF_BEAT = (EVEN / 2, (1 + DOTTED) / 2)
#: Fewer off-beats say nothing; nearer to even is a hand's unsteadiness, not swing.
LEAST_OFF_BEATS = 4
LEAST_SWING = 0.04


@dataclass(frozen=True)
class Grid:
    """Moments at every step, every second one (the off-beats) late by what the music swings."""

    step_seconds: float
    first_seconds: float = 0.0
    """A moment on a beat."""
    ratio: float = EVEN
    """Where the off-beats lie between their neighbours, 0.5–0.75: 0.667 is a triplet's feel."""

    def seconds(self, index: int) -> float:
        pair, off_beat = divmod(index, 2)
        return self.first_seconds + (pair + self.ratio * off_beat) * 2 * self.step_seconds

    def nearest(self, seconds: float) -> int:
        """The index of the nearest moment; halfway, of the earlier."""
        around = range((pair := 2 * math.floor(self._pairs(seconds))) - 1, pair + 4)
        return min(around, key=lambda index: (abs(self.seconds(index) - seconds), index))

    def after(self, seconds: float) -> int:
        """The index of the first moment later than `seconds`."""
        index = self.nearest(seconds)
        return index if self.seconds(index) > seconds else index + 1

    def _pairs(self, seconds: float) -> float:
        return (seconds - self.first_seconds) / (2 * self.step_seconds)


def swing_ratio(onsets: Iterable[tuple[int, float]], straight: Grid) -> float:
    """How the off-beats of `straight` are played, by (pitch, seconds) of every note: 0.5–0.75.

    Only notes that are alone on their pitch around an off-beat are asked, so that what is asked of notes that already
    lie on the swung grid gives the same ratio again.
    """
    around: dict[tuple[int, int], list[float]] = {}
    for pitch, seconds in onsets:
        pair, share = divmod(straight._pairs(seconds), 1.0)
        if NEAR_OFF_BEAT[0] <= share <= NEAR_OFF_BEAT[1]:
            around.setdefault((pitch, int(pair)), []).append(share)
    shares = [found[0] for found in around.values() if len(found) == 1 and _tells(found)]
    ratio = median(shares) if len(shares) >= LEAST_OFF_BEATS else EVEN
    # Rounded, so that a ratio measured again is the same number.
    return EVEN if ratio < EVEN + LEAST_SWING else round(ratio, 3)


def _tells(shares: Sequence[float]) -> bool:
    return TELLING[0] <= shares[0] <= TELLING[1]
