"""Evidence from harmony: chords change at bar lines more than within bars, and repeat after whole phrases."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.music.tempo.onsets import PITCH_EVERY, OnsetFeatures
from bridge.music.tempo.pulse import Autocorrelation, linear_autocorrelation

BEATS = 4
#: Lags in beats at which pitches are compared: three, where a 4/4 bar does not repeat, and a phrase.
LAGS = np.array((3.0, 16.0))
#: Changes much smaller than these do not count.
SLIGHT, SLIGHT_OF_BARS = 0.02, 0.05


def pitch_autocorrelation(features: OnsetFeatures) -> Autocorrelation:
    """The autocorrelation of a clip's pitches."""
    rate_hz = features.frame_rate_hz / PITCH_EVERY
    return Autocorrelation(linear_autocorrelation(_unit(features.pitches)), rate_hz, features.seconds, circular=False)


def pitch_evidence(pitches: Autocorrelation, period_seconds: float) -> Doubles:
    """The evidence for a beat period: (2,), the autocorrelation of pitches at each of `LAGS`."""
    return pitches.at(period_seconds * LAGS)


def changes_evidence(features: OnsetFeatures, bars: int) -> Doubles:
    """The evidence from harmony that a loop has `bars` bars: (3,).

    The change of pitches on the first beat, relative to all beats; the change from bar to bar minus the change in the
    middle of bars, relative to their mean; and the difference between changes at odd and at even bar lines, which is
    large if two of these bars are really one.
    """
    beats = _means(features, BEATS * bars)
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


def pitch_changes(features: OnsetFeatures, starts: Doubles, length: float) -> Doubles:
    """The change of pitches at each of `starts`, between the `length` before and after, in pitch frames: 0–1."""
    sums = np.pad(np.cumsum(features.pitches, axis=0), ((1, 0), (0, 0)))
    edges = [np.clip(np.rint(starts + by * length).astype(np.intp), 0, len(features.pitches)) for by in (-1, 0, 1)]
    before, after = _unit(sums[edges[1]] - sums[edges[0]]), _unit(sums[edges[2]] - sums[edges[1]])
    return np.asarray(1 - (before * after).sum(axis=1))


def _means(features: OnsetFeatures, beats: int) -> Doubles:
    """The mean pitches of each beat: (beats, keys)."""
    starts = np.arange(beats) * len(features.pitches) // beats
    means = np.add.reduceat(features.pitches, starts, axis=0)
    return np.asarray(means / np.diff(np.append(starts, len(features.pitches)))[:, np.newaxis])


def _change(pitches: Doubles) -> Doubles:
    """The distance of each row from the one before, of the first from the last: 1 minus the cosine, 0–1."""
    unit = _unit(pitches)
    return np.asarray(1 - (unit * np.roll(unit, 1, axis=0)).sum(axis=1))


def _unit(pitches: Doubles) -> Doubles:
    return np.asarray(pitches / (np.linalg.norm(pitches, axis=1, keepdims=True) + 1e-9))
