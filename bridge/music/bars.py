"""Where the bars and beats of a clip are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from bridge.model import Music, TempoPoint
from bridge.music.metre import COMMON_TIME, Metre
from bridge.music.tempo_map import TempoMap
from bridge.units import DEFAULT_TEMPO_BPM

#: Files say anything of their tempo and metre. What is beyond these limits is not followed: beats would have no end.
SLOWEST_BPM, FASTEST_BPM = 1.0, 1000.0
MOST_IN_BAR, SHORTEST_UNIT = 64, 64
FURTHEST_SECONDS, FURTHEST_QUARTERS = 1e6, 2e7
#: A bar line this near to the clip's start is at it.
AT_START_QUARTERS = 1e-3


class Beat(NamedTuple):
    """One beat of a clip."""

    seconds: float
    bar: int
    """From 1, the first bar that begins in the clip; what sounds before it is bar 0."""
    number: int
    """In its bar, from 1, which begins the bar."""

    @property
    def begins_bar(self) -> bool:
        return self.number == 1


def countable(music: Music) -> Music:
    """`music` with what is usual in place of a tempo, metre or first beat that nobody can count by."""
    numerator, denominator = music.time_signature
    is_metre = 0 < numerator <= MOST_IN_BAR and 0 < denominator <= SHORTEST_UNIT
    return msgspec.structs.replace(
        music,
        time_signature=music.time_signature if is_metre else COMMON_TIME,
        tempo_map=music.tempo_map if _can_be_followed(music.tempo_map) else (),
        tempo_bpm=music.tempo_bpm if _is_tempo(music.tempo_bpm) else DEFAULT_TEMPO_BPM,
        tempo_candidates=tuple(one for one in music.tempo_candidates if _is_tempo(one.bpm)),
        first_beat_seconds=music.first_beat_seconds if abs(music.first_beat_seconds) <= FURTHEST_SECONDS else 0.0,
    )


class Beats:
    """The beats of a timeline, before and after the clip too; those of a usual tempo and metre where its are none."""

    def __init__(self, music: Music) -> None:
        music = countable(music)
        self._metre = Metre.of(music.time_signature)
        self._map = TempoMap(music.tempo_map) if music.tempo_map else None
        self._bpm = music.tempo_bpm
        self._first_beat_seconds = music.first_beat_seconds
        first = self._quarters(self._first_beat_seconds)
        bar = self._metre.bar_quarters
        # The first start of a bar at which the clip has begun.
        self._origin = first - math.floor((first - self._quarters(0.0) + AT_START_QUARTERS) / bar) * bar
        self._in_bar = max(1, round(bar / self._metre.beat_quarters))

    def between(self, start_seconds: float, end_seconds: float) -> Iterator[Beat]:
        """The beats from `start_seconds` to before `end_seconds`, in order."""
        index = math.ceil((self._quarters(start_seconds) - self._origin) / self._metre.beat_quarters - 1e-9)
        while (beat := self._beat(index)).seconds < end_seconds:
            yield beat
            index += 1

    def place(self, seconds: float) -> tuple[int, int, int]:
        """Bar, beat and sixteenth of a moment, as a DAW shows a place: (12, 3, 1)."""
        beats = (self._quarters(seconds) - self._origin) / self._metre.beat_quarters
        index = math.floor(beats + 1e-9)
        beat = self._beat(index)
        sixteenth = int((beats - index + 1e-9) * self._metre.beat_quarters * 4)
        return beat.bar, beat.number, max(0, sixteenth) + 1

    def _beat(self, index: int) -> Beat:
        bar, number = divmod(index, self._in_bar)
        return Beat(self._seconds(self._origin + index * self._metre.beat_quarters), bar + 1, number + 1)

    def _quarters(self, seconds: float) -> float:
        if self._map is not None:
            return self._map.quarters(seconds)
        return (seconds - self._first_beat_seconds) * self._bpm / 60

    def _seconds(self, quarters: float) -> float:
        if self._map is not None:
            return self._map.seconds(quarters)
        return self._first_beat_seconds + quarters * 60 / self._bpm


def _is_tempo(bpm: float) -> bool:
    return SLOWEST_BPM <= bpm <= FASTEST_BPM


def _can_be_followed(points: Sequence[TempoPoint]) -> bool:
    return (
        bool(points)
        and all(_is_tempo(point.bpm) for point in points)
        and all(abs(point.seconds) <= FURTHEST_SECONDS and abs(point.quarters) <= FURTHEST_QUARTERS for point in points)
        and all(
            0 < after.quarters - one.quarters <= (after.seconds - one.seconds) * 2 * FASTEST_BPM / 60
            for one, after in pairwise(points)
        )
    )
