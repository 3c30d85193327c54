"""The messages of a schedule as far as they are known; an open schedule grows at its end while it plays."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.midi.schedule import Schedule, TimedBytes, is_note_on


class GrowingSchedule:
    """A schedule and what was appended to it. A closed one never changes."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        """As it was at the start of its playback."""
        self.messages: list[TimedBytes] = list(schedule.messages)
        """All that are known, sorted by time; to be read only."""
        self.notes = schedule.notes
        self.is_open = schedule.is_open
        self.until_seconds = schedule.until_seconds
        """The horizon: how far it is known."""

    @property
    def seconds(self) -> float:
        """When the last message that is known is due."""
        return self.messages[-1].seconds if self.messages else 0.0

    def extend(self, messages: Sequence[TimedBytes], until_seconds: float, *, is_last: bool) -> None:
        """Appends messages, sorted by time, none of which is earlier than those before."""
        self.messages.extend(messages)
        self.notes += sum(is_note_on(message.data) for message in messages)
        self.until_seconds = max(self.until_seconds, until_seconds)
        self.is_open = not is_last
