"""Separate bends for simultaneous notes: MIDI Polyphonic Expression (MPE), a lower zone of fifteen member channels.

Channel 1 is the zone's master; each note gets its own member channel (2–16), with a bend range of 48 semitones. MIDI
Polyphonic Expression 1.1, sections 2.1–2.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

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


class MemberChannels:
    """The member channel of each note of a part, whose notes may come piece by piece.

    A note takes the free channel on which its pitch sounded last, otherwise the one that has been free longest. A
    sixteenth simultaneous note shares the channel of the note nearest in pitch, without bends of its own.
    """

    def __init__(self) -> None:
        self._last_pitch = dict.fromkeys(MEMBERS, -1)
        self._free_from = dict.fromkeys(MEMBERS, 0)
        """The tick at which the last of its notes ends, of those that will not come again."""
        self._chosen: dict[tuple[int, int], tuple[int, bool]] = {}
        """By start and pitch, what was chosen for a note that will come again."""

    def of(self, timed_notes: Sequence[NoteTicks], until: float = math.inf) -> list[tuple[NoteTicks, int, bool]]:
        """The notes with their channels, and whether each has its channel to itself.

        Args:
            timed_notes: by their starts; those of earlier pieces that end at its `until` or later, and all that start
                since.
            until: the tick up to which the notes are known. What starts at it or later is chosen anew the next time.
        """
        last_pitch, free_from = dict(self._last_pitch), dict(self._free_from)
        found = []
        for timed_note in timed_notes:
            pitch = timed_note.note.pitch
            key = timed_note.on, pitch
            if key not in self._chosen:
                free = [channel for channel in MEMBERS if free_from[channel] <= timed_note.on]
                if free:
                    channel = min(free, key=lambda one: (last_pitch[one] != pitch, free_from[one], one))
                else:
                    channel = min(MEMBERS, key=lambda one: (abs(last_pitch[one] - pitch), one))
                last_pitch[channel] = pitch
                choice = channel, bool(free)
            else:
                choice = channel, _ = self._chosen[key]
            free_from[channel] = max(free_from[channel], timed_note.off)
            if timed_note.on < until:
                self._chosen[key] = choice
                self._last_pitch[channel] = last_pitch[channel]
            found.append((timed_note, *choice))
        for timed_note, channel, _ in found:
            if timed_note.off < until:
                del self._chosen[timed_note.on, timed_note.note.pitch]
                self._free_from[channel] = max(self._free_from[channel], timed_note.off)
        return found


def mpe(
    timed_notes: Sequence[NoteTicks], quarter: int, channels: MemberChannels | None = None, until: float = math.inf
) -> list[tuple[int, mido.Message]]:
    """The messages of a part as MPE: the zone's configuration, then the notes with their bends.

    `channels` and `until` are for a part that comes piece by piece, as in `MemberChannels.of`.
    """
    events: list[TickMessage] = []
    for timed_note, channel, is_alone in (channels or MemberChannels()).of(timed_notes, until):
        if is_alone:
            events += _bends(timed_note, channel, quarter)
        events += note_events(timed_note, channel)
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
