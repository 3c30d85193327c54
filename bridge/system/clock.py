"""Time as a parameter: the two clocks a part may ask for, and the real ones."""

from __future__ import annotations

import time


class SystemClock:
    """The machine's own clocks. Tests pass a clock that they turn by hand."""

    def monotonic_seconds(self) -> float:
        """Seconds since an arbitrary start; never jumps: for durations and deadlines."""
        return time.monotonic()

    def unix_seconds(self) -> float:
        """Seconds since 1970, UTC; may jump: only for what a person reads later."""
        return time.time_ns() / 1e9
