"""A track of notes on a simple synthesiser: soft, brighter the harder a key is struck, with bends.

Nothing has a state: phase and envelope of a note are functions of the time since its onset, so a voice can be read at
any place. Waves come from tables of the harmonics that the rate has room for, a table for each half octave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bridge.model import Note

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.protocols import Samples

    Wave: TypeAlias = npt.NDArray[np.float32]
    Times: TypeAlias = npt.NDArray[np.float64]

ATTACK_SECONDS, RELEASE_SECONDS = 0.004, 0.12
#: A held note fades to this share of its start.
SUSTAIN = 0.3
#: Of the hardest stroke: six such notes fit below full scale.
LOUDEST = 0.16
#: More notes at once are not told apart; the oldest are silent then.
MOST_VOICES = 48
HARMONICS = 24
TABLE_FRAMES = 2048
_BAND_SEMITONES = 6
#: Harmonics below this share of the rate, the rest would be mirrored.
_HIGHEST_SHARE = 0.45
_SOFT = (1.0, 0.32, 0.14, 0.06)


class NoteVoice:
    """Implements `Voice` with pitched notes."""

    def __init__(self, notes: Sequence[Note], rate_hz: int) -> None:
        self._notes = sorted(notes, key=lambda note: note.onset_seconds)
        self._rate_hz = rate_hz
        self._starts = np.array([round(note.onset_seconds * rate_hz) for note in self._notes], np.int64)
        self._ends = np.array(
            [math.ceil((note.offset_seconds + RELEASE_SECONDS) * rate_hz) for note in self._notes], np.int64
        )
        self._latest_ends = np.maximum.accumulate(self._ends)
        self.frames = int(self._latest_ends[-1]) if len(self._notes) else 0

    def read(self, start: int, stop: int) -> Samples:
        """See `Voice`."""
        mono = np.zeros(stop - start, np.float32)
        first = int(np.searchsorted(self._latest_ends, start, side="right"))
        last = int(np.searchsorted(self._starts, stop, side="left"))
        sounding = first + np.flatnonzero(self._ends[first:last] > start)
        for index in sounding[-MOST_VOICES:]:
            begin, end = max(start, int(self._starts[index])), min(stop, int(self._ends[index]))
            mono[begin - start : end - start] += _wave(self._notes[index], begin, end, self._rate_hz)
        return np.repeat(mono[:, None], 2, axis=1)

    def close(self) -> None:
        """See `Voice`."""


def _wave(note: Note, start: int, stop: int, rate_hz: int) -> Wave:
    """Frames `start` to `stop`, counted from the start of the clip, of one note."""
    seconds = np.arange(start, stop) / rate_hz - note.onset_seconds
    phases, highest = _phases(note, seconds)
    soft, bright = tables(_band(highest), rate_hz)
    force = note.velocity / 127
    places = (phases % 1.0) * TABLE_FRAMES
    whole = places.astype(np.int64)
    rest = (places - whole).astype(np.float32)
    brightness = (0.15 + 0.85 * force) * np.exp(-np.maximum(seconds, 0.0) / 0.5).astype(np.float32)
    wave = _between(soft, whole, rest) + brightness * _between(bright, whole, rest)
    loud: Wave = (wave * _envelope(note, seconds) * (LOUDEST * force**1.6)).astype(np.float32)
    return loud


def _phases(note: Note, seconds: Times) -> tuple[Times, float]:
    """The phase in turns at each time since the onset, and the highest pitch. It has no steps where the pitch has."""
    if not note.bends:
        return _hertz(note.pitch) * seconds, float(note.pitch)
    times = np.array([-math.inf, *(bend.time_seconds - note.onset_seconds for bend in note.bends)])
    pitches = np.array([0.0, *(bend.semitones for bend in note.bends)]) + note.pitch
    hertz = np.array([_hertz(pitch) for pitch in pitches])
    begins = np.maximum(times, 0.0)
    at_begins = np.concatenate([[0.0], np.cumsum(np.diff(begins) * hertz[:-1])])
    pieces = np.searchsorted(times, seconds, side="right") - 1
    return at_begins[pieces] + (seconds - begins[pieces]) * hertz[pieces], float(pitches.max())


def _envelope(note: Note, seconds: Times) -> Times:
    """A quick rise, a fall that is slower for low notes, and a release that ends in silence."""
    rise = np.clip(seconds / ATTACK_SECONDS, 0.0, 1.0)
    fall_seconds = 1.6 * 2.0 ** ((60 - note.pitch) / 24)
    held = SUSTAIN + (1.0 - SUSTAIN) * np.exp(-np.maximum(seconds, 0.0) / fall_seconds)
    length = note.offset_seconds - note.onset_seconds
    released = np.clip(1.0 - (seconds - length) / RELEASE_SECONDS, 0.0, 1.0)
    shaped: Times = rise * held * released * released
    return shaped


def _hertz(pitch: float) -> float:
    return float(440.0 * 2.0 ** ((pitch - 69) / 12))


def _band(pitch: float) -> int:
    return math.ceil(pitch / _BAND_SEMITONES)


def _between(table: Wave, whole: npt.NDArray[np.int64], rest: Wave) -> Wave:
    low: Wave = table[whole]
    return low + rest * (table[whole + 1] - low)


@lru_cache(maxsize=64)
def tables(band: int, rate_hz: int) -> tuple[Wave, Wave]:
    """One period of the tone, and of what a hard stroke adds, for notes up to the top of a half octave.

    Their sum is within ±1. Each has one frame more, which is its first again.
    """
    room = int(_HIGHEST_SHARE * rate_hz / _hertz(band * _BAND_SEMITONES))
    turns = np.arange(TABLE_FRAMES + 1) / TABLE_FRAMES
    soft, bright = np.zeros(TABLE_FRAMES + 1), np.zeros(TABLE_FRAMES + 1)
    for number in range(1, min(HARMONICS, room) + 1):
        sine = np.sin(2 * np.pi * number * turns)
        if number <= len(_SOFT):
            soft += _SOFT[number - 1] * sine
        if number > 1:
            bright += 0.5 * number**-1.1 * sine
    peak = max(1.0, float(np.abs(soft + bright).max()), float(np.abs(soft).max()))
    return (soft / peak).astype(np.float32), (bright / peak).astype(np.float32)
