"""The MIDI messages of a part whose notes become known little by little: those that its file will have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.model import Note
from bridge.request import Bends
from bridge.smf.mpe import MemberChannels, mpe
from bridge.smf.note_messages import BEND_RANGE_PARAMETER, messages_in_order, registered_parameter
from bridge.smf.ticks import NoteTicks, microseconds_per_quarter, notes_in_ticks, ticks
from bridge.smf.wheel import RANGE, single_channel
from bridge.stems import DRUM_CHANNEL, stem_of
from bridge.units import TICKS_PER_QUARTER

TimedMessage: TypeAlias = "tuple[int, mido.Message]"

WHEEL = "pitchwheel"
CHANNEL = 0
#: Settings at the start of a part take so many ticks.
SET_UP_TICKS = 4


class LiveMessages:
    """Turns the notes of one stem into messages, piece by piece, as `writing.midi_file` does for the whole."""

    def __init__(self, stem: str, tempo_bpm: float, bends: Bends) -> None:
        self._is_pitched = stem_of(stem).is_pitched
        self._bends = bends
        self._quarter = microseconds_per_quarter(tempo_bpm)
        self._from_tick = 0
        self._wheel = 0
        """Where the messages so far have left the pitch wheel."""
        self._notes: list[Note] = []
        """Those that may still have messages."""
        self._channels = MemberChannels()
        self._over: set[tuple[int, float]] = set()
        """Notes that ended because their pitch started again, although they were given as longer."""

    def up_to(self, notes: Sequence[Note], until_seconds: float, *, is_last: bool = False) -> list[tuple[float, bytes]]:
        """The messages from the time of the call before up to `until_seconds`, with their seconds.

        Args:
            notes: all that start before `until_seconds` and sound at the time of the call before, or later. One that
                ends at `until_seconds` or later may still sound: its end comes with a later call.
            is_last: no more notes follow; all messages that are left are returned.
        """
        given = {_key(note): note for note in sorted(notes, key=lambda note: note.offset_seconds)}
        self._over &= given.keys()
        others = [note for note in self._notes if _key(note) not in given]
        self._notes = sorted(
            [*others, *(note for key, note in given.items() if key not in self._over)],
            key=lambda note: (note.onset_seconds, note.pitch),
        )
        timed = notes_in_ticks(self._notes, self._quarter)
        until = ticks(until_seconds, self._quarter)
        stop = math.inf if is_last else until
        found = self._sent(self._messages(timed, stop), stop)
        self._from_tick = until
        self._over |= {
            _key(one.note) for one in timed if one.off < until <= ticks(one.note.offset_seconds, self._quarter)
        }
        self._notes = [one.note for one in timed if one.off >= until]
        tick_seconds = self._quarter / (TICKS_PER_QUARTER * 1e6)
        return [(tick * tick_seconds, bytes(message.bytes())) for tick, message in found]

    def _sent(self, messages: Sequence[TimedMessage], stop: float) -> list[TimedMessage]:
        """The messages from the last horizon to `stop`; first the wheel, if it should be elsewhere by now.

        It should if a note that was bent turns out to sound with others, and is bent no more.
        """
        found = [(tick, message) for tick, message in messages if self._from_tick <= tick < stop]
        if not self._is_pitched or self._bends != "single":
            return found
        before = [message.pitch for tick, message in messages if tick < self._from_tick and message.type == WHEEL]
        expected = before[-1] if before else 0
        if expected != self._wheel:
            found.insert(0, (self._from_tick, mido.Message(WHEEL, channel=CHANNEL, pitch=expected)))
        self._wheel = next((message.pitch for _, message in reversed(found) if message.type == WHEEL), self._wheel)
        return found

    def _messages(self, timed: Sequence[NoteTicks], stop: float) -> list[TimedMessage]:
        if not self._is_pitched:
            return single_channel(timed, DRUM_CHANNEL, self._quarter, with_bends=False)
        if self._bends == "mpe":
            return mpe(timed, self._quarter, self._channels, stop)
        messages = single_channel(timed, CHANNEL, self._quarter, with_bends=self._bends == "single")
        notes = [(tick, message) for tick, message in messages if message.type != "control_change"]
        if self._bends == "none" or self._from_tick >= SET_UP_TICKS:
            return notes
        # The first bend may become known when the settings should have been sent long ago.
        return [*messages_in_order(registered_parameter(CHANNEL, BEND_RANGE_PARAMETER, RANGE)), *notes]


def _key(note: Note) -> tuple[int, float]:
    return note.pitch, note.onset_seconds
