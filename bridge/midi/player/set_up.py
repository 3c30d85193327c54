"""The messages that configure the receiver before a take: bend range, MPE zone, and controllers before the notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from bridge.midi.schedule import CONTROL_CHANGE, SET_UP_SECONDS, Schedule, TimedBytes, is_note_on, sets_parameter

POLY_PRESSURE = 0xA0


class SetUp:
    """Which of a schedule's set-up messages a take needs.

    The first take begins with the parameters. Later takes omit them: setting up a zone again may end notes that are
    ringing. A take that starts in the middle is preceded by `pending`: what it needs of the messages before it.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.pending: deque[bytes] = deque()
        self._parameters = frozenset(schedule.set_up)
        self._end = max(schedule.set_up, default=-1) + 1
        self._is_done = False
        self._belong_to_music = not schedule.set_up and any(sets_parameter(m.data) for m in schedule.messages)

    @property
    def omitted(self) -> frozenset[int]:
        """Indices of the messages that the next take does not repeat."""
        return self._parameters if self._is_done else frozenset()

    def extend(self, index: int, messages: Iterable[TimedBytes]) -> None:
        """Messages were appended to the schedule, the first of them at this index.

        As in `schedule()`, one parameter that belongs to the music makes all of them belong to it.
        """
        for number, message in enumerate(messages, index):
            if not sets_parameter(message.data):
                continue
            if message.seconds >= SET_UP_SECONDS:
                self._belong_to_music = True
                self._parameters, self._end = frozenset(), 0
            elif not self._belong_to_music:
                self._parameters, self._end, self._is_done = self._parameters | {number}, number + 1, False

    def prepare(self, passed: Sequence[TimedBytes]) -> None:
        """Before a take: of the messages before it, all parameters, and the controllers before the first note."""
        self.pending.clear()
        omitted, has_begun = self.omitted, False
        for index, message in enumerate(passed):
            has_begun = has_begun or is_note_on(message.data)
            is_controller = message.data[0] & 0xF0 == CONTROL_CHANGE and not has_begun
            if (is_controller or sets_parameter(message.data)) and index not in omitted:
                self.pending.append(message.data)

    def reached(self, index: int) -> None:
        """Everything before this index of the schedule has been handed over or passed over."""
        self._is_done = self._is_done or (not self.pending and index >= self._end)

    def repeat_all(self) -> None:
        """The next take repeats all parameters, because some may not have been sent."""
        self._is_done = False


def brought_up_to_date(others: Sequence[bytes]) -> list[bytes]:
    """What is left of controllers and bends that are late: all parameters, and the latest of each other one."""
    latest = {_key(data): number for number, data in enumerate(others)}
    return [data for number, data in enumerate(others) if sets_parameter(data) or latest[_key(data)] == number]


def _key(data: bytes) -> bytes:
    """What the message sets: a controller of a channel, or the channel's bend, pressure or program."""
    return data[:2] if data[0] & 0xF0 in (CONTROL_CHANGE, POLY_PRESSURE) else data[:1]
