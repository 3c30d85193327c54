"""The system's clocks, behind `protocols.Clock`, so that tests can pass another."""

from __future__ import annotations

import time


class SystemClock:
    """Implements `protocols.Clock` with the machine's clocks."""

    def monotonic_seconds(self) -> float:
        """Seconds since an arbitrary start; never jumps. For durations and deadlines."""
        return time.monotonic()

    def unix_seconds(self) -> float:
        """Seconds since 1970, UTC; may jump. Only for times shown to the user."""
        return time.time_ns() / 1e9
