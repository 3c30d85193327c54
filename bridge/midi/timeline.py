"""Where the music is and how fast it goes: what every source of time tells, and all that a deadline is made from."""

from __future__ import annotations

import math
from typing import NamedTuple

NS_PER_SECOND = 1_000_000_000
NS_PER_MINUTE = 60 * NS_PER_SECOND


class Timeline(NamedTuple):
    """Music that rolls: at `at_ns` it is at `place`, and goes on evenly from there.

    Times are nanoseconds on the player's clock. A source that learns more gives a new timeline: of the same `take`
    where the music only went faster or slower, of another where it started anew or jumped.
    """

    place: float
    """In quarter notes; in seconds where `bpm` is None."""
    at_ns: int
    bpm: float | None = None
    """Quarter notes a minute; None: the source knows no tempo, and every schedule has its own."""
    take: int = 0
    started: float = 0.0
    """The place where this take began."""
    sure_until: float = math.inf
    """Up to this place the music is known to go on; beyond, it may as well jump or stop."""
    is_song: bool = True
    """Places are counted from the song's start; else from anywhere, and a clip begins where the take began."""

    @property
    def ns_per_unit(self) -> float:
        return NS_PER_SECOND if self.bpm is None else NS_PER_MINUTE / self.bpm

    def ns_at(self, place: float) -> int:
        return self.at_ns + round((place - self.place) * self.ns_per_unit)

    def place_at(self, now_ns: int) -> float:
        return self.place + (now_ns - self.at_ns) / self.ns_per_unit

    def from_seconds(self, seconds: float, own_bpm: float) -> float:
        """So many seconds of a schedule written at `own_bpm`, in this timeline's units."""
        return seconds if self.bpm is None else seconds * own_bpm / 60

    def from_quarters(self, quarters: float, own_bpm: float) -> float:
        return quarters * 60 / own_bpm if self.bpm is None else quarters


def from_now(start_ns: int) -> Timeline:
    """Music that follows nothing: second 0 at `start_ns`, and everything at its own tempo."""
    return Timeline(0.0, start_ns)
