"""Separate bends for simultaneous notes: MIDI Polyphonic Expression (MPE), a lower zone of fifteen member channels.

Channel 1 is the zone's master; each note gets its own member channel (2–16), with a bend range of 48 semitones. MIDI
Polyphonic Expression 1.1, sections 2.1–2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.smf.note_messages import (
    BEND_RANGE_PARAMETER,
    MPE_PARAMETER,
    TickMessage,
    messages_in_order,
    note_events,
    pitch_wheel_points,
    registered_parameter,
    wheel_events,
)
from bridge.smf.ticks import NoteTicks

MASTER = 0
MEMBERS = range(1, 16)
RANGE = 48
MASTER_RANGE = 2


@dataclass
class _Member:
    """A member channel's state after the notes that were assigned to it."""

    channel: int
    free_from: int = 0
    """The tick at which the last of its notes ends."""
    last_pitch: int = -1


def mpe(timed_notes: Sequence[NoteTicks], quarter: int) -> list[tuple[int, mido.Message]]:
    """The messages of a part as MPE: the zone's configuration, then the notes with their bends.

    A note takes the free channel on which its pitch sounded last, otherwise the one that has been free longest. A
    sixteenth simultaneous note shares the channel of the note nearest in pitch, without bends of its own.
    """
    members = [_Member(channel) for channel in MEMBERS]
    events: list[TickMessage] = []
    for timed_note in timed_notes:
        free = [member for member in members if member.free_from <= timed_note.on]
        pitch = timed_note.note.pitch
        if free:
            member = min(free, key=lambda one: (one.last_pitch != pitch, one.free_from, one.channel))
            events += _bends(timed_note, member.channel, quarter)
        else:
            member = min(members, key=lambda one: (abs(one.last_pitch - pitch), one.channel))
        events += note_events(timed_note, member.channel)
        member.free_from = max(member.free_from, timed_note.off)
        member.last_pitch = pitch
    return messages_in_order([*_configuration(), *events])


def _bends(timed_note: NoteTicks, channel: int, quarter: int) -> list[TickMessage]:
    """The pitch wheel for one note: set before the note starts, moved during it, centred after it."""
    return wheel_events({timed_note.on: 0, **pitch_wheel_points(timed_note, quarter, RANGE)}, channel)


def _configuration() -> list[TickMessage]:
    """The zone comes first, because it resets every channel's bend range; a second time, it might end notes."""
    members = [message for channel in MEMBERS for message in registered_parameter(channel, BEND_RANGE_PARAMETER, RANGE)]
    return [
        *registered_parameter(MASTER, MPE_PARAMETER, len(MEMBERS), repeat=False),
        *registered_parameter(MASTER, BEND_RANGE_PARAMETER, MASTER_RANGE, tick=3),
        *members,
    ]
