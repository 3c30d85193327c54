"""The messages that configure the receiver before a take: bend range, MPE zone, and controllers before the notes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from bridge.midi.schedule import CONTROL_CHANGE, Schedule, TimedBytes, is_note_on, sets_parameter


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

    @property
    def omitted(self) -> frozenset[int]:
        """Indices of the messages that the next take does not repeat."""
        return self._parameters if self._is_done else frozenset()

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
