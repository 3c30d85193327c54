"""Whether a stem is one line, a lone saxophone or lead, or has chords: judged from the notes that many voices gave.

The network's ghosts of a lone line are its octaves and twelfths, or start and end with its notes' neighbours; chords
sound together, for most of their length, at other intervals. Between the two lies a wide gap (docs/methods/notes.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.model import Note

#: The most of its sounding time that a line may seem to be chords, and the most in any stretch of it: a song in which a
#: lead and chords alternate is no line. Octaves count a quarter: they may be ghosts, unless there are many, as an
#: organ's.
LIMIT, STRETCH_LIMIT = 0.16, 0.3
OCTAVE_WEIGHT = 0.25
STRETCH_SECONDS = 10.0
#: A stretch in which less sounds tells nothing.
LEAST_SECONDS = 3.0
STEPS_PER_SECOND = 50
#: Two notes sound together if they overlap by this share of the shorter one, and at least so long.
TOGETHER_SHARE, TOGETHER_SECONDS = 0.5, 0.06
#: Semitones between a note and the ghosts of its overtones, and of its neighbouring keys.
OVERTONES = (12, 19, 24, 28, 31, 34, 36)
NEIGHBOURS = (1, 2)


class Together(NamedTuple):
    """Shares of the time in which anything sounds, 0–1."""

    chords: float
    """Two notes sound together, at an interval that no ghost has."""
    octaves: float
    """Two notes sound together, one an overtone of the other."""
    densest: float
    """`chords` in the stretch that has most."""

    @property
    def margin(self) -> float:
        """How far it is from the nearest limit, at most 1: above 0 for a line."""
        whole = (self.chords + OCTAVE_WEIGHT * self.octaves) / LIMIT
        return 1 - max(whole, self.densest / STRETCH_LIMIT)

    @property
    def is_line(self) -> bool:
        return self.margin > 0


def together(notes: Sequence[Note]) -> Together:
    """How much of the notes sounds together; `notes` by onset, of several voices."""
    if not notes:
        return Together(0.0, 0.0, 0.0)
    steps = round(STEPS_PER_SECOND * max(note.offset_seconds for note in notes)) + 1
    sounding, chords, octaves = (np.zeros(steps, np.bool_) for _ in range(3))
    open_: list[Note] = []
    for note in notes:
        _mark(sounding, note.onset_seconds, note.offset_seconds)
        open_ = [other for other in open_ if other.offset_seconds > note.onset_seconds]
        for other in open_:
            interval = abs(note.pitch - other.pitch)
            end = min(note.offset_seconds, other.offset_seconds)
            if interval not in NEIGHBOURS and _are_together(note, other):
                _mark(octaves if interval in OVERTONES else chords, note.onset_seconds, end)
        open_.append(note)
    total = max(1, int(np.count_nonzero(sounding)))
    in_chords, in_octaves = (int(np.count_nonzero(steps)) / total for steps in (chords, octaves))
    return Together(in_chords, in_octaves, _densest(chords, sounding))


def _are_together(note: Note, other: Note) -> bool:
    shorter = min(one.offset_seconds - one.onset_seconds for one in (note, other))
    shared = min(note.offset_seconds, other.offset_seconds) - note.onset_seconds
    return shared >= max(TOGETHER_SECONDS, TOGETHER_SHARE * shorter)


def _mark(steps: npt.NDArray[np.bool_], start_seconds: float, stop_seconds: float) -> None:
    steps[round(start_seconds * STEPS_PER_SECOND) : round(stop_seconds * STEPS_PER_SECOND)] = True


def _densest(chords: npt.NDArray[np.bool_], sounding: npt.NDArray[np.bool_]) -> float:
    """The greatest share of chords in any stretch of `STRETCH_SECONDS`."""
    length = round(STRETCH_SECONDS * STEPS_PER_SECOND)
    starts = np.arange(0, max(1, len(chords) - length + 1), STEPS_PER_SECOND)
    stops = np.minimum(starts + length, len(chords))
    of_chords, of_all = (np.append(0, np.cumsum(steps)) for steps in (chords, sounding))
    share = (of_chords[stops] - of_chords[starts]) / np.maximum(
        of_all[stops] - of_all[starts], LEAST_SECONDS * STEPS_PER_SECOND
    )
    return float(share.max())
