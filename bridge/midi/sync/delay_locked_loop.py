"""The beat behind ticks that come a little early or late: a second-order delay-locked loop.

After Fons Adriaensen, "Using a DLL to filter time" (LAC 2005), as Ardour follows MIDI clock; but it starts as a
least-squares fit that grows with every tick (the weights of an alpha-beta filter with growing memory), is the loop once
that has become the slower of the two, and begins anew where a tick comes as no jitter explains: a new tempo is there
from its second tick on.
"""

from __future__ import annotations

import math

TICKS_PER_QUARTER = 24
#: Of the clocks that are believed: 10 to 1000 quarters a minute.
SHORTEST_NS, LONGEST_NS = (60e9 / (TICKS_PER_QUARTER * bpm) for bpm in (1000, 10))
#: The loop's bandwidth in radians a tick: what follows a ritardando closely and halves a jitter of 1 ms, and what
#: remains of it where the jitter is a JACK period of 1024 frames.
WIDE, NARROW = 0.2, 0.03
#: The mean deviation up to which the loop stays wide.
QUIET_NS = 0.8e6
#: A tick this far from where it was expected, and four times as far as usual, is a new tempo.
STEP_NS = 3e6
STEP_FACTOR = 4
#: How fast the usual deviation, and its mean, are forgotten: shares for each tick.
FORGET, FORGET_MEAN = 1 / 24, 1 / 12
#: Deviations that all lie on one side by more than this share are no jitter: the tempo is changing.
ONE_SIDED = 0.6


class DelayLockedLoop:
    """Filters the times of ticks. `expected_ns` is the period to begin with."""

    def __init__(self, expected_ns: float) -> None:
        self.period_ns = min(max(expected_ns, SHORTEST_NS), LONGEST_NS)
        self.tick_ns = 0.0
        """When the latest tick was, filtered."""
        self._ticks = 0
        self._deviation_ns = 0.0
        self._mean_ns = 0.0

    @property
    def bpm(self) -> float:
        return 60e9 / (TICKS_PER_QUARTER * self.period_ns)

    def tick(self, at_ns: int) -> None:
        """Takes the time of the next tick. One after a pause begins anew at the same tempo."""
        late_ns = at_ns - (self.tick_ns + self.period_ns)
        if not self._ticks or late_ns > LONGEST_NS:
            self._ticks, self.tick_ns = 1, float(at_ns)
            return
        is_step = abs(late_ns) > max(STEP_NS, STEP_FACTOR * self._deviation_ns)
        self._ticks = 2 if is_step else self._ticks + 1
        if not is_step:
            self._deviation_ns += FORGET * (abs(late_ns) - self._deviation_ns)
            self._mean_ns += FORGET_MEAN * (late_ns - self._mean_ns)
        phase, period = self._weights()
        self.tick_ns += self.period_ns + phase * late_ns
        self.period_ns = min(max(self.period_ns + period * late_ns, SHORTEST_NS), LONGEST_NS)

    def _weights(self) -> tuple[float, float]:
        """How much of a deviation is taken for the place, and how much for the tempo."""
        n, omega = self._ticks, WIDE
        if self._deviation_ns > QUIET_NS and abs(self._mean_ns) < ONE_SIDED * self._deviation_ns:
            omega = max(NARROW, WIDE * QUIET_NS / self._deviation_ns)
        return max(math.sqrt(2) * omega, 2 * (2 * n - 1) / (n * (n + 1))), max(omega**2, 6 / (n * (n + 1)))
