"""Bends for every note at once: MIDI Polyphonic Expression, a lower zone of fifteen member channels.

The zone's first channel (1) is its master; each note gets a member channel (2–16) of its own, whose wheel reaches 48
semitones. MIDI Polyphonic Expression 1.1, sections 2.1–2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.note_messages import (
    BEND_RANGE_PARAMETER,
    MPE_PARAMETER,
    Placed,
    messages_in_order,
    note_events,
    pitch_wheel_points,
    registered,
    wheel_events,
)
from bridge.smf.ticks import NoteTicks

MASTER = 0
MEMBERS = range(1, 16)
RANGE = 48
MASTER_RANGE = 2


@dataclass
class _Member:
    """One member channel, as it is left by the notes so far."""

    channel: int
    free_from: int = 0
    """The tick at which the last of its notes ends."""
    last_pitch: int = -1


def mpe(strikes: Sequence[NoteTicks], quarter: int) -> list[tuple[int, mido.Message]]:
    """The messages of a part as MPE: the zone's configuration, then the notes, each with its own bends.

    A note takes the free channel on which its pitch sounded last, else the one that is free for longest. The sixteenth
    of sixteen notes at once shares the channel of the one that is nearest in pitch, and its wheel, unbent.
    """
    members = [_Member(channel) for channel in MEMBERS]
    events: list[Placed] = []
    for strike in strikes:
        free = [member for member in members if member.free_from <= strike.on]
        pitch = strike.note.pitch
        if free:
            member = min(free, key=lambda one: (one.last_pitch != pitch, one.free_from, one.channel))
            events += _bends(strike, member.channel, quarter)
        else:
            member = min(members, key=lambda one: (abs(one.last_pitch - pitch), one.channel))
        events += note_events(strike, member.channel)
        member.free_from = max(member.free_from, strike.off)
        member.last_pitch = pitch
    return messages_in_order([*_configuration(), *events])


def _bends(strike: NoteTicks, channel: int, quarter: int) -> list[Placed]:
    """The wheel's course under one note: where it begins, before the note does; its way; its centre, after the note."""
    return wheel_events({strike.on: 0, **pitch_wheel_points(strike, quarter, RANGE)}, channel)


def _configuration() -> list[Placed]:
    """The zone first: it puts every channel's bend range back to its default. Said again, it might end notes."""
    members = [message for channel in MEMBERS for message in registered(channel, BEND_RANGE_PARAMETER, RANGE)]
    return [
        *registered(MASTER, MPE_PARAMETER, len(MEMBERS), again=False),
        *registered(MASTER, BEND_RANGE_PARAMETER, MASTER_RANGE, tick=3),
        *members,
    ]
