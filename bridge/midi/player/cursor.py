"""The next message of a schedule in one take, and when it is due on the take's timeline."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from bridge.midi.player.growing import GrowingSchedule
from bridge.midi.schedule import TimedBytes, is_note_off, is_note_on
from bridge.midi.timeline import NS_PER_SECOND, Timeline

#: Tolerance for rounded positions, far below one tick of a file.
ROUNDING_SECONDS = 1e-6
#: How long a message that lies on a tick waits for that tick: as late as a tick comes when 140 BPM change to 90.
TICK_WAIT_NS = 12_000_000


class Cursor:
    """Goes through a schedule's messages, as they become known, from a position of the timeline on.

    Deadlines are absolute, in nanoseconds on the player's monotonic clock, each computed from the current timeline:
    errors do not accumulate, and a change of tempo moves all later messages. Notes that started before the first
    position are neither started nor ended, and neither are those that become known when their time has passed.

    Args:
        origin_quarters: where the schedule's second 0 lies on the timeline, in quarter notes.
        position: of the first message to send, on the timeline; -inf: everything is sent.
        omitted: indices of messages that are passed over.
    """

    def __init__(
        self,
        growing: GrowingSchedule,
        timeline: Timeline,
        origin_quarters: float,
        position: float,
        omitted: frozenset[int] = frozenset(),
    ) -> None:
        self.timeline = timeline
        """To be replaced by newer timelines of the same take."""
        self.is_starved = False
        """True from the moment at which the timeline has passed the horizon, until `pass_late` finds it ahead again."""
        self._growing = growing
        self._schedule = growing.schedule
        self._origin_quarters = origin_quarters
        self._start = position
        self._omitted = omitted
        seconds = (position - self._position(0.0)) / self._units_per_second
        self._start_seconds = seconds - ROUNDING_SECONDS
        first = bisect_left(growing.messages, self._start_seconds, key=_seconds)
        self.passed = growing.messages[:first]
        """The messages before the position, which are not sent."""
        self._orphaned_offs = _open_notes(self.passed)
        self.index = first
        """Of the next message."""
        self.skip()

    @property
    def is_at_end(self) -> bool:
        """True while none of the messages that are known is left."""
        return self.index == len(self._growing.messages)

    @property
    def is_over(self) -> bool:
        """True if no message is left, and none will follow."""
        return self.is_at_end and not self._growing.is_open

    @property
    def horizon_seconds(self) -> float:
        """The end of what is known in this take, in seconds of the schedule; a take may begin beyond it."""
        return max(self._growing.until_seconds, self._growing.seconds, self._start_seconds + ROUNDING_SECONDS)

    @property
    def horizon_ns(self) -> int:
        """When the timeline passes it."""
        return self.timeline.ns_at(self._position(self.horizon_seconds)) + self._offset_ns

    @property
    def start_ns(self) -> int:
        """When the timeline is at the first position."""
        return self.timeline.ns_at(self._start) + self._offset_ns

    @property
    def deadline_ns(self) -> int:
        """When the next message is due."""
        return self.timeline.ns_at(self._next_position) + self._offset_ns

    @property
    def tick_wait_ns(self) -> int:
        """How long the next message, or the horizon, waits for the source's next update.

        It waits at or beyond the position up to which the music is known, so that a note at the end of a loop is not
        played just before the jump back.
        """
        known_until = self.timeline.known_until
        is_known = known_until == math.inf or self._next_position <= known_until - ROUNDING_SECONDS
        return 0 if is_known else TICK_WAIT_NS

    def seconds_at(self, now_ns: int) -> float:
        """The current position in the schedule, negative before its start."""
        return (self.timeline.position_at(now_ns - self._offset_ns) - self._position(0.0)) / self._units_per_second

    def advance(self) -> bytes:
        """The next message; moves on to the one after it."""
        data = self._growing.messages[self.index].data
        self.index += 1
        self.skip()
        return data

    def starve(self, ends: Iterable[bytes]) -> None:
        """The timeline has passed the horizon, and these note-offs were sent: those of the schedule are passed over."""
        self.is_starved = True
        self._orphaned_offs.update((end[0] & 0x0F, end[1]) for end in ends if is_note_off(end))

    def pass_late(self, now_ns: int) -> tuple[int, list[bytes]]:
        """After an extension of a starved take: passes over the messages whose time has passed.

        Returns how many notes of this take were missed, and the controllers and bends among the messages. A note that
        was missed is not ended either.
        """
        first = self.index
        late = self._growing.messages[
            first : bisect_left(self._growing.messages, self.seconds_at(now_ns), first, key=_seconds)
        ]
        missed, others = 0, []
        for index, message in enumerate(late, first):
            note = (message.data[0] & 0x0F, message.data[1])
            if is_note_on(message.data):
                self._orphaned_offs[note] += 1
                missed += message.seconds >= self._start_seconds
            elif is_note_off(message.data):
                self._orphaned_offs[note] = max(0, self._orphaned_offs[note] - 1)
            elif index not in self._omitted:
                others.append(message.data)
        self.index += len(late)
        self.skip()
        self.is_starved = self.is_at_end and self._growing.is_open and self.horizon_ns <= now_ns
        return missed, others

    def skip(self) -> None:
        """Passes over the ends of notes that were not started in this take, and what is omitted."""
        messages = self._growing.messages
        while self.index < len(messages):
            data = messages[self.index].data
            note = (data[0] & 0x0F, data[1])
            if is_note_off(data) and self._orphaned_offs[note]:
                self._orphaned_offs[note] -= 1
            elif self.index not in self._omitted:
                return
            self.index += 1

    @property
    def _offset_ns(self) -> int:
        return round(self._schedule.offset_seconds * NS_PER_SECOND)

    @property
    def _units_per_second(self) -> float:
        return self.timeline.from_seconds(1.0, self._schedule.tempo_bpm)

    @property
    def _next_position(self) -> float:
        if self.is_at_end:
            return self._position(self.horizon_seconds)
        return self._position(self._growing.messages[self.index].seconds)

    def _position(self, seconds: float) -> float:
        tempo_bpm = self._schedule.tempo_bpm
        origin = self.timeline.from_quarters(self._origin_quarters, tempo_bpm)
        return origin + self.timeline.from_seconds(seconds, tempo_bpm)


def _seconds(message: TimedBytes) -> float:
    return message.seconds


def _open_notes(messages: Iterable[TimedBytes]) -> Counter[tuple[int, int]]:
    """The notes that these messages leave sounding."""
    notes: Counter[tuple[int, int]] = Counter()
    for message in messages:
        note = (message.data[0] & 0x0F, message.data[1])
        if is_note_on(message.data):
            notes[note] += 1
        elif is_note_off(message.data) and notes[note]:
            notes[note] -= 1
    return +notes
