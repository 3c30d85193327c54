"""How a clip's pitches change: chords do at bar lines more than within bars, and return after whole phrases."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.music.onsets import PITCH_EVERY, Onsets
from bridge.music.pulse import Repetition, open_likeness

BEATS = 4
#: After so many beats pitches are compared: three, which a bar has not, and a phrase.
LAGS = np.array((3.0, 16.0))
#: Changes smaller than these say nothing.
SLIGHT, SLIGHT_OF_BARS = 0.02, 0.05


def pitch_repetition(heard: Onsets) -> Repetition:
    """How alike a clip's pitches are to those some time later."""
    rate_hz = heard.frame_rate_hz / PITCH_EVERY
    return Repetition(open_likeness(_unit(heard.pitches)), rate_hz, heard.seconds, closed=False)


def pitch_evidence(pitches: Repetition, period_seconds: float) -> Doubles:
    """What speaks for a beat of that length: (2,), how alike pitches are after each of `LAGS`."""
    return pitches.at(period_seconds * LAGS)


def changes_evidence(heard: Onsets, bars: int) -> Doubles:
    """What speaks for so many bars in a clip that goes round: (3,).

    How much pitches change on the first beat, against all beats; how much more from one bar to the next than from its
    first half to its second, against both; and how unlike the changes at every other bar line are, which would be so
    if two bars were one.
    """
    beats = _means(heard, BEATS * bars)
    by_beat = _change(beats).reshape(bars, BEATS)
    line, middle = _change(beats.reshape(2 * bars, BEATS // 2, -1).mean(axis=1)).reshape(bars, 2).mean(axis=0)
    first = by_beat[:, 0]
    even, odd = (first[::2].mean(), first[1::2].mean()) if bars % 2 == 0 else (0.0, 0.0)
    return np.array(
        (
            first.mean() / (by_beat.mean() + SLIGHT),
            (line - middle) / ((line + middle) / 2 + SLIGHT),
            abs(even - odd) / (even + odd + SLIGHT_OF_BARS),
        )
    )


def _means(heard: Onsets, beats: int) -> Doubles:
    """The mean pitches of each beat: (beats, keys)."""
    starts = np.arange(beats) * len(heard.pitches) // beats
    means = np.add.reduceat(heard.pitches, starts, axis=0)
    return np.asarray(means / np.diff(np.append(starts, len(heard.pitches)))[:, np.newaxis])


def _change(pitches: Doubles) -> Doubles:
    """How far each is from the one before, the first from the last: one less the cosine, 0–1."""
    unit = _unit(pitches)
    return np.asarray(1 - (unit * np.roll(unit, 1, axis=0)).sum(axis=1))


def _unit(pitches: Doubles) -> Doubles:
    return np.asarray(pitches / (np.linalg.norm(pitches, axis=1, keepdims=True) + 1e-9))
