"""Channel messages and the ticks they belong to, before they become a track."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.ticks import NoteTicks, ticks

#: (tick, place among the messages of that tick, message)
Placed: TypeAlias = "tuple[int, int, mido.Message]"

#: Order of events that share a tick: a setting counts for all of it, a note that ends never cuts off one that starts,
#: a bend is there before its note.
SETTING, OFF, BEND, ON = range(4)
#: How fast a key is let go: MIDI 1.0's value for "not measured".
RELEASE_VELOCITY = 64
BEND_UNITS = 8192
#: Registered parameters.
BEND_RANGE_PARAMETER, MPE_PARAMETER = 0, 6


def messages_in_order(events: Iterable[Placed]) -> list[tuple[int, mido.Message]]:
    """Sorted by tick, then by place; what shares both keeps its order."""
    return [(tick, message) for tick, _, message in sorted(events, key=lambda event: event[:2])]


def note_events(strike: NoteTicks, channel: int) -> list[Placed]:
    """A note's beginning and end."""
    key, velocity = strike.note.pitch, strike.note.velocity
    on = mido.Message("note_on", channel=channel, note=key, velocity=velocity)
    off = mido.Message("note_off", channel=channel, note=key, velocity=RELEASE_VELOCITY)
    return [(strike.on, ON, on), (strike.off, OFF, off)]


def wheel_value(semitones: float, reach: int) -> int:
    """The pitch wheel's value where its full way is `reach` semitones; further it cannot go."""
    return max(-BEND_UNITS, min(BEND_UNITS - 1, round(semitones / reach * BEND_UNITS)))


def pitch_wheel_points(strike: NoteTicks, quarter: int, reach: int) -> dict[int, int]:
    """The pitch wheel's values by tick under one note, and its centre after it."""
    wheel = {}
    for bend in strike.note.bends:
        tick = max(strike.on, ticks(bend.time_seconds, quarter))
        if tick < strike.off:
            wheel[tick] = wheel_value(bend.semitones, reach)
    return {**wheel, strike.off: 0}


def wheel_events(wheel: Mapping[int, int], channel: int) -> list[Placed]:
    """The pitch wheel's values by tick, without those that change nothing; it begins at its centre."""
    events: list[Placed] = []
    value = 0
    for tick in sorted(wheel):
        if wheel[tick] != value:
            value = wheel[tick]
            events.append((tick, BEND, mido.Message("pitchwheel", channel=channel, pitch=value)))
    return events


def registered(channel: int, parameter: int, value: int, *, tick: int = 0, again: bool = True) -> list[Placed]:
    """Sets a registered parameter from `tick` on, then none, so that a stray data entry changes nothing.

    A DAW may keep one value of a controller for a moment, and may put those of a moment in order of their numbers, data
    entry (6, 38) first, as Ardour does: so the value comes `again` a tick later, and none is chosen one later still.
    """
    chosen, data, none = ((101, 0), (100, parameter)), ((6, value), (38, 0)), ((101, 127), (100, 127))
    return [
        (tick + later, SETTING, mido.Message("control_change", channel=channel, control=control, value=value))
        for later, controllers in enumerate(((*chosen, *data), data if again else (), none))
        for control, value in controllers
    ]
