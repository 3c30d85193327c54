"""The MIDI messages of a part whose notes become known little by little: those that its file will have."""

from __future__ import annotations

import math
from collections.abc import Sequence

import mido  # type: ignore[import-untyped]  # it ships no types

from bridge.model import Note
from bridge.request import Bends
from bridge.smf.mpe import mpe
from bridge.smf.note_messages import BEND_RANGE_PARAMETER, messages_in_order, registered_parameter
from bridge.smf.ticks import microseconds_per_quarter, notes_in_ticks, ticks
from bridge.smf.wheel import RANGE, single_channel
from bridge.stems import DRUM_CHANNEL, stem_of
from bridge.units import TICKS_PER_QUARTER

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
        self._bent = False
        self._notes: list[Note] = []
        """Those that may still have messages; with MPE all, since each note's channel follows from those before."""

    def up_to(self, notes: Sequence[Note], until_seconds: float, *, is_last: bool = False) -> list[tuple[float, bytes]]:
        """The messages from the time of the call before up to `until_seconds`, with their seconds.

        Args:
            notes: all that start before `until_seconds` and sound at the time of the call before, or later. One that
                ends at `until_seconds` or later may still sound: its end comes with a later call.
            is_last: no more notes follow; all messages that are left are returned.
        """
        starts = {(note.pitch, note.onset_seconds) for note in notes}
        self._notes = [note for note in self._notes if (note.pitch, note.onset_seconds) not in starts] + [*notes]
        self._notes.sort(key=lambda note: (note.onset_seconds, note.pitch))
        until = ticks(until_seconds, self._quarter)
        stop = math.inf if is_last else until
        found = [(tick, message) for tick, message in self._messages() if self._from_tick <= tick < stop]
        found = [*self._straightened(found), *found]
        for _, message in found:
            if message.type == "pitchwheel":
                self._bent = message.pitch != 0
        self._from_tick = until
        if self._bends != "mpe":
            self._notes = [note for note in self._notes if note.offset_seconds >= until_seconds]
        tick_seconds = self._quarter / (TICKS_PER_QUARTER * 1e6)
        return [(tick * tick_seconds, bytes(message.bytes())) for tick, message in found]

    def _messages(self) -> list[tuple[int, mido.Message]]:
        timed = notes_in_ticks(self._notes, self._quarter)
        if not self._is_pitched:
            return single_channel(timed, DRUM_CHANNEL, self._quarter, with_bends=False)
        if self._bends == "mpe":
            return mpe(timed, self._quarter)
        # The first bend may become known when the settings should have been sent long ago.
        is_first = self._from_tick < SET_UP_TICKS and self._bends != "none"
        settings = registered_parameter(CHANNEL, BEND_RANGE_PARAMETER, RANGE) if is_first else []
        messages = single_channel(timed, CHANNEL, self._quarter, with_bends=self._bends != "none")
        notes = [(tick, message) for tick, message in messages if message.type != "control_change"]
        return [*messages_in_order(settings), *notes] if settings else notes

    def _straightened(self, found: Sequence[tuple[int, mido.Message]]) -> list[tuple[int, mido.Message]]:
        """A bend back to the centre, if a note that was bent turned out to sound with others, and is bent no more."""
        if self._bends == "mpe" or not self._bent or any(message.type == "pitchwheel" for _, message in found):
            return []
        return [(self._from_tick, mido.Message("pitchwheel", channel=CHANNEL, pitch=0))]
