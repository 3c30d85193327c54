"""A tempo that is tapped."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from bridge.units import FASTEST_TEMPO_BPM, SLOWEST_TEMPO_BPM

#: Taps that count; a musician settles within a bar, and drifts over many.
MOST_TAPS = 9
#: A tap so long after the last one begins anew: no tempo is as slow.
PAUSE_SECONDS = 60 / SLOWEST_TEMPO_BPM
#: Taps until a tempo is shown.
LEAST_TAPS = 3


@dataclass(frozen=True)
class Taps:
    """The last taps, as times of a monotonic clock in seconds."""

    times: tuple[float, ...] = ()

    def and_at(self, seconds: float) -> Taps:
        """With one more tap."""
        if self.times and seconds - self.times[-1] > PAUSE_SECONDS:
            return Taps((seconds,))
        return Taps((*self.times, seconds)[-MOST_TAPS:])

    @property
    def bpm(self) -> float | None:
        """Quarter notes per minute, by the median of their distances: one that slips changes nothing. None: too few."""
        if len(self.times) < LEAST_TAPS:
            return None
        between = median(after - before for before, after in pairwise(self.times))
        return None if between <= 0 else round(max(SLOWEST_TEMPO_BPM, min(60 / between, FASTEST_TEMPO_BPM)), 1)
