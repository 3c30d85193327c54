"""A timeline: position and tempo of the music, from which every deadline is computed."""

from __future__ import annotations

import math
from typing import NamedTuple

NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND


class Timeline(NamedTuple):
    """Music in motion: at `at_ns` it is at `position`, and moves on at a constant tempo from there.

    Times are nanoseconds on the player's clock. A source with newer information gives a new timeline: of the same
    `take` if only the tempo changed, of another take if the music started again or jumped.
    """

    position: float
    """In quarter notes; in seconds if `bpm` is None."""
    at_ns: int
    bpm: float | None = None
    """Quarter notes per minute; None: the source has no tempo, and every schedule plays at its own."""
    take: int = 0
    take_start: float = 0.0
    """The position at which this take began."""
    known_until: float = math.inf
    """The music is known to continue up to this position; beyond it, it may jump or stop."""
    tempo_is_assumed: bool = False
    """The source has no tempo of this take yet: its next update may move everything that comes after it."""
    is_song: bool = True
    """True: positions count from the song's start. False: their origin is arbitrary; clips begin with the take."""

    @property
    def ns_per_unit(self) -> float:
        return NS_PER_SECOND if self.bpm is None else NS_PER_MINUTE / self.bpm

    def ns_at(self, position: float) -> int:
        return self.at_ns + round((position - self.position) * self.ns_per_unit)

    def position_at(self, now_ns: int) -> float:
        return self.position + (now_ns - self.at_ns) / self.ns_per_unit

    def from_seconds(self, seconds: float, schedule_bpm: float) -> float:
        """Converts seconds of a schedule written at `schedule_bpm` to this timeline's unit."""
        return seconds if self.bpm is None else seconds * schedule_bpm / 60

    def from_quarters(self, quarters: float, schedule_bpm: float) -> float:
        return quarters * 60 / schedule_bpm if self.bpm is None else quarters


def free_running(start_ns: int) -> Timeline:
    """A timeline without a source: second 0 at `start_ns`, and every schedule at its own tempo."""
    return Timeline(0.0, start_ns)
