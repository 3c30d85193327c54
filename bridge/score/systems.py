"""Splits a clip's time into systems of several bars, one below the other, as in printed music."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bridge.model import Music
from bridge.music.metre import Metre
from bridge.units import clock_text

#: Preferred largest length of a system.
SYSTEM_SECONDS = 16.0
#: With more systems than this, each becomes longer.
MAX_SYSTEMS = 60
#: Without a tempo, the grid is in seconds, with a label every five.
SECONDS_IN_BAR = 5
SLACK = 1e-6
#: A pickup shorter than this share of a beat gets no beat of its own.
NEGLIGIBLE_BEAT = 0.1


@dataclass(frozen=True)
class Line:
    """A vertical grid line."""

    seconds: float
    label: str
    """The bar's number or a time; empty for a beat within a bar."""


@dataclass(frozen=True)
class PictureSystems:
    """A clip divided into systems."""

    seconds: float
    beat_seconds: float
    beats_in_bar: int
    first_bar_seconds: float
    """Start of bar 1."""
    bars_in_system: int
    in_bars: bool

    @property
    def bar_seconds(self) -> float:
        return self.beat_seconds * self.beats_in_bar

    @property
    def system_seconds(self) -> float:
        return self.bar_seconds * self.bars_in_system

    @property
    def systems(self) -> list[tuple[float, float]]:
        """Start and end of each system in seconds, on bar lines; the first also holds the pickup."""
        pickup = math.ceil(self.first_bar_seconds / self.beat_seconds - NEGLIGIBLE_BEAT)
        bars, beats = divmod(pickup, self.beats_in_bar)
        first = self.first_bar_seconds - bars * self.bar_seconds
        count = max(1, math.ceil((self.seconds - first) / self.system_seconds - SLACK))
        edges = [first + system * self.system_seconds for system in range(count + 1)]
        return [*pairwise([first - beats * self.beat_seconds, *edges[1:]])]

    def lines(self, start: float, end: float) -> Iterator[Line]:
        """The grid lines from `start` to `end`."""
        first = math.ceil((start - self.first_bar_seconds) / self.beat_seconds - SLACK)
        last = math.floor((end - self.first_bar_seconds) / self.beat_seconds + SLACK)
        for beat in range(first, last + 1):
            bar, within = divmod(beat, self.beats_in_bar)
            seconds = self.first_bar_seconds + beat * self.beat_seconds
            yield Line(seconds, "" if within else self._name(bar, seconds))

    def _name(self, bar: int, seconds: float) -> str:
        if self.in_bars:
            return str(bar + 1) if bar >= 0 else str(bar)
        return clock_text(seconds)


def picture_systems(music: Music, seconds: float) -> PictureSystems:
    """Systems in bars of the music's tempo, or in seconds if no tempo is known."""
    in_bars = music.tempo_source != "default"
    metre = Metre.of(music.time_signature)
    beats = metre.numerator if in_bars else SECONDS_IN_BAR
    beat = metre.unit_seconds(music.tempo_bpm) if in_bars else 1.0
    longest = max(SYSTEM_SECONDS, seconds / MAX_SYSTEMS)
    bars = max(1, math.floor(min(longest, max(seconds, beat * beats)) / (beat * beats) + SLACK))
    needed = math.ceil(seconds / (beat * beats) - SLACK)
    bars = bars if needed <= bars else 1 << (bars.bit_length() - 1)
    return PictureSystems(
        seconds=seconds,
        beat_seconds=beat,
        beats_in_bar=beats,
        first_bar_seconds=music.first_beat_seconds if in_bars else 0.0,
        bars_in_system=bars,
        in_bars=in_bars,
    )
