"""Bends on one channel, for instruments of every kind: only where a note sounds alone, up to two semitones."""

from __future__ import annotations

from collections.abc import Sequence

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.note_messages import (
    BEND_RANGE_PARAMETER,
    Placed,
    messages_in_order,
    note_events,
    pitch_wheel_points,
    registered,
    wheel_events,
)
from bridge.smf.ticks import NoteTicks

#: Semitones that a full pitch bend means; what every instrument assumes unless told otherwise. It is told all the same.
RANGE = 2


def single_channel(
    strikes: Sequence[NoteTicks], channel: int, quarter: int, *, bent: bool = True
) -> list[tuple[int, mido.Message]]:
    """The messages of a part that keeps to one channel. A bend beyond two semitones stays at two until it is back."""
    notes = [event for strike in strikes for event in note_events(strike, channel)]
    bends = _bends(strikes, channel, quarter) if bent else []
    settings = registered(channel, BEND_RANGE_PARAMETER, RANGE) if bends else []
    return messages_in_order([*settings, *notes, *bends])


def _bends(strikes: Sequence[NoteTicks], channel: int, quarter: int) -> list[Placed]:
    """The pitch wheel's course: it moves under notes that sound alone, and goes back to its centre after each."""
    wheel: dict[int, int] = {}
    sounding_until = 0
    for index, strike in enumerate(strikes):
        alone = strike.on >= sounding_until and (index + 1 == len(strikes) or strikes[index + 1].on >= strike.off)
        sounding_until = max(sounding_until, strike.off)
        if alone and strike.note.bends:
            wheel.update(pitch_wheel_points(strike, quarter, RANGE))
    return wheel_events(wheel, channel)
