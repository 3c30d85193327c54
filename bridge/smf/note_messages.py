"""Channel messages with their ticks, before they become a track."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.ticks import NoteTicks, ticks
from bridge.units import RELEASE_VELOCITY

#: (tick, order among the messages of that tick, message)
TickMessage: TypeAlias = "tuple[int, int, mido.Message]"

#: Order of messages at one tick: settings first, then note-offs, so that none ends a note that starts, then bends, so
#: that each precedes its note.
SETTING, OFF, BEND, ON = range(4)
BEND_UNITS = 8192
#: Registered parameters.
BEND_RANGE_PARAMETER, MPE_PARAMETER = 0, 6


def messages_in_order(events: Iterable[TickMessage]) -> list[tuple[int, mido.Message]]:
    """The messages sorted by tick, then by order; equal ones keep their order."""
    return [(tick, message) for tick, _, message in sorted(events, key=lambda event: event[:2])]


def note_events(timed_note: NoteTicks, channel: int) -> list[TickMessage]:
    """The note-on and note-off of a note."""
    key, velocity = timed_note.note.pitch, timed_note.note.velocity
    on = mido.Message("note_on", channel=channel, note=key, velocity=velocity)
    off = mido.Message("note_off", channel=channel, note=key, velocity=RELEASE_VELOCITY)
    return [(timed_note.on, ON, on), (timed_note.off, OFF, off)]


def wheel_value(semitones: float, reach: int) -> int:
    """The pitch wheel's value, -8192 to 8191, for a bend range of `reach` semitones; clipped to that range."""
    return max(-BEND_UNITS, min(BEND_UNITS - 1, round(semitones / reach * BEND_UNITS)))


def pitch_wheel_points(timed_note: NoteTicks, quarter: int, reach: int) -> dict[int, int]:
    """The pitch wheel's values by tick during one note, and its centre after the note."""
    wheel = {}
    for bend in timed_note.note.bends:
        tick = max(timed_note.on, ticks(bend.time_seconds, quarter))
        if tick < timed_note.off:
            wheel[tick] = wheel_value(bend.semitones, reach)
    return {**wheel, timed_note.off: 0}


def wheel_events(wheel: Mapping[int, int], channel: int) -> list[TickMessage]:
    """Pitch wheel messages for values by tick, without those that change nothing; the wheel starts at its centre."""
    events: list[TickMessage] = []
    value = 0
    for tick in sorted(wheel):
        if wheel[tick] != value:
            value = wheel[tick]
            events.append((tick, BEND, mido.Message("pitchwheel", channel=channel, pitch=value)))
    return events


def registered_parameter(
    channel: int, parameter: int, value: int, *, tick: int = 0, repeat: bool = True
) -> list[TickMessage]:
    """Sets a registered parameter from `tick` on, then deselects it, so that a stray data entry changes nothing.

    A DAW may keep only one value of a controller per tick, and may sort the controllers of a tick by number, data entry
    (6, 38) first, as Ardour does. The value is therefore repeated (`repeat`) one tick later, and the parameter is
    deselected one tick after that.
    """
    select, data, deselect = ((101, 0), (100, parameter)), ((6, value), (38, 0)), ((101, 127), (100, 127))
    return [
        (tick + later, SETTING, mido.Message("control_change", channel=channel, control=control, value=value))
        for later, controllers in enumerate(((*select, *data), data if repeat else (), deselect))
        for control, value in controllers
    ]
