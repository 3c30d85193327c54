"""Bends on one channel, for instruments of every kind: only where a note sounds alone, up to two semitones."""

from __future__ import annotations

from collections.abc import Sequence

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.messages import (
    BEND_RANGE_PARAMETER,
    Placed,
    in_order,
    note_events,
    registered,
    wheel_events,
    wheel_value,
)
from bridge.smf.ticks import Strike, ticks

#: Semitones that a full pitch bend means; what every instrument assumes unless told otherwise. It is told all the same.
RANGE = 2


def single_channel(
    strikes: Sequence[Strike], channel: int, quarter: int, *, bent: bool = True
) -> list[tuple[int, mido.Message]]:
    """The messages of a part that keeps to one channel. A bend beyond two semitones stays at two until it is back."""
    notes = [event for strike in strikes for event in note_events(strike, channel)]
    bends = _bends(strikes, channel, quarter) if bent else []
    events = in_order([*notes, *bends])
    return [*registered(channel, BEND_RANGE_PARAMETER, RANGE), *events] if bends else events


def _bends(strikes: Sequence[Strike], channel: int, quarter: int) -> list[Placed]:
    """The pitch wheel's course: it moves under notes that sound alone, and goes back to its centre after each."""
    wheel: dict[int, int] = {}
    sounding_until = 0
    for index, strike in enumerate(strikes):
        alone = strike.on >= sounding_until and (index + 1 == len(strikes) or strikes[index + 1].on >= strike.off)
        sounding_until = max(sounding_until, strike.off)
        if not alone or not strike.note.bends:
            continue
        for bend in strike.note.bends:
            tick = max(strike.on, ticks(bend.time_seconds, quarter))
            if tick < strike.off:
                wheel[tick] = wheel_value(bend.semitones, RANGE)
        wheel[strike.off] = 0
    return wheel_events(wheel, channel)
