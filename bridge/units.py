"""Conversions between the bridge's units, and their text form."""

from __future__ import annotations

import math

DEFAULT_TEMPO_BPM = 120.0
#: The tempi that a request may ask for.
SLOWEST_TEMPO_BPM, FASTEST_TEMPO_BPM = 20.0, 400.0
TICKS_PER_QUARTER = 960
#: Velocity of a Note Off that measures none (MIDI 1.0, table II).
RELEASE_VELOCITY = 64


def seconds_to_frames(seconds: float, sample_rate_hz: int) -> int:
    """The frame nearest to `seconds`."""
    return round(seconds * sample_rate_hz)


def clock_text(seconds: float) -> str:
    """`75.2` → `1:15`, as on a transport."""
    whole = max(0, math.floor(seconds + 0.5))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
