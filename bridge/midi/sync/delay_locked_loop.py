"""Filters clock ticks that arrive slightly early or late: a second-order delay-locked loop.

After Fons Adriaensen, "Using a DLL to filter time" (LAC 2005), as Ardour follows MIDI clock. It starts as a
least-squares fit over all ticks (an alpha-beta filter with growing memory), becomes the loop once the fit adapts more
slowly than the loop would, and starts again at a tick that jitter cannot explain: a new tempo is known from its second
tick on.
"""

from __future__ import annotations

import math

TICKS_PER_QUARTER = 24
#: Range of tick periods that are accepted: 10 to 1000 quarter notes per minute.
SHORTEST_NS, LONGEST_NS = (60e9 / (TICKS_PER_QUARTER * bpm) for bpm in (1000, 10))
#: The loop's bandwidth in radians per tick. WIDE follows a ritardando closely and halves a jitter of 1 ms; NARROW is
#: the minimum, used when the jitter is a JACK period of 1024 frames.
WIDE, NARROW = 0.2, 0.03
#: The mean deviation up to which the loop stays wide.
LOW_JITTER_NS = 0.8e6
#: A tick this far from its expected time, and four times as far as usual, is a new tempo.
STEP_NS = 3e6
STEP_FACTOR = 4
#: Forgetting factors of the mean absolute error and of the mean error, per tick.
FORGET, FORGET_MEAN = 1 / 24, 1 / 12
#: If the mean error exceeds this share of the mean absolute error, the tempo is changing and it is not jitter.
ONE_SIDED = 0.6


class DelayLockedLoop:
    """Filters the times of ticks. `expected_ns` is the initial period."""

    def __init__(self, expected_ns: float) -> None:
        self.period_ns = min(max(expected_ns, SHORTEST_NS), LONGEST_NS)
        self.tick_ns = 0.0
        """The filtered time of the latest tick."""
        self._ticks = 0
        self._earlier_ticks = 0
        """Those before a pause whose tempo still counts."""
        self._deviation_ns = 0.0
        self._mean_ns = 0.0

    @property
    def bpm(self) -> float:
        return 60e9 / (TICKS_PER_QUARTER * self.period_ns)

    @property
    def has_tempo(self) -> bool:
        """Whether the period was measured; else it is the initial one, or the one from before a pause."""
        return self._ticks > 1

    def tick(self, at_ns: int) -> None:
        """Adds the time of the next tick. After a pause the loop starts again at the same tempo.

        It keeps that tempo if the second tick confirms it: two ticks alone would give a worse one.
        """
        error_ns = at_ns - (self.tick_ns + self.period_ns)
        if not self._ticks or error_ns > LONGEST_NS:
            self._earlier_ticks += self._ticks
            self._ticks, self.tick_ns = 1, float(at_ns)
            return
        limit_ns = STEP_FACTOR * self._deviation_ns
        is_step = abs(error_ns) > max(STEP_NS, limit_ns)
        if is_step or (self._ticks == 1 and abs(error_ns) > limit_ns):
            self._earlier_ticks = 0
        self._ticks = 2 if is_step else self._ticks + 1
        if not is_step:
            self._deviation_ns += FORGET * (abs(error_ns) - self._deviation_ns)
            self._mean_ns += FORGET_MEAN * (error_ns - self._mean_ns)
        phase, period = self._weights()
        self.tick_ns += self.period_ns + phase * error_ns
        self.period_ns = min(max(self.period_ns + period * error_ns, SHORTEST_NS), LONGEST_NS)

    def _weights(self) -> tuple[float, float]:
        """The gains by which an error corrects the phase and the period."""
        n, omega = self._ticks, WIDE
        all_ticks = n + self._earlier_ticks
        if self._deviation_ns > LOW_JITTER_NS and abs(self._mean_ns) < ONE_SIDED * self._deviation_ns:
            omega = max(NARROW, WIDE * LOW_JITTER_NS / self._deviation_ns)
        return max(math.sqrt(2) * omega, 2 * (2 * n - 1) / (n * (n + 1))), max(
            omega**2, 6 / (all_ticks * (all_ticks + 1))
        )
