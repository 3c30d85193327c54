"""The pulse: autocorrelation of onset strength, and how well a given beat period explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.dsp.peaks import find_peaks
from bridge.music.tempo.onsets import HIGH, LOW, OnsetFeatures

SLOWEST_BPM, FASTEST_BPM = 70.0, 180.0
#: People agree on beats near this tempo (D. Moelants, Preferred tempo reconsidered, ICMPC 2002: 120 to 125; lower
#: here, where a beat at twice the tempo would do).
USUAL_BPM = 110.0
#: Onsets are smoothed over this many frames, because playing is not exact to the frame.
WIDTH_FRAMES = 9
#: An onset counts from this share of the steepest rise on, and at least this far from a steeper one.
MIN_RISE = 0.08
APART_SECONDS = 0.07
#: The same for one part of the spectrum.
MIN_RISE_OF_PART = 0.12
APART_SECONDS_OF_PART = 0.06
#: Lags at which less than this share of the clip overlaps are damped in a linear autocorrelation.
MIN_OVERLAP = 0.3
#: Step of the search over tempi, in log tempo.
STEP = 0.002
#: Multiples of the beat period that the search sums over.
MULTIPLES = (0.5, 1, 2, 3, 4)
#: How many beat periods of a clip are weighed.
MOST_PERIODS = 8
#: Multiples of the beat period whose autocorrelation is evidence for it.
LAGS = np.array((0.25, 0.5, 1, 1.5, 2, 3, 4, 8))


@dataclass(frozen=True)
class Autocorrelation:
    """The autocorrelation of a clip."""

    values: Doubles
    """(lags,): -1 to 1, 1 at lag 0."""
    rate_hz: float
    """Lags per second."""
    seconds: float
    circular: bool
    """True: the clip is treated as a loop, its end followed by its start."""

    def at(self, seconds: Doubles) -> Doubles:
        """The values at lags in seconds, interpolated; 0 beyond the clip."""
        lags = seconds * self.rate_hz
        if self.circular:
            lags = np.mod(lags, len(self.values))
            wrapped = np.append(self.values, self.values[0])
            return np.asarray(np.interp(lags, np.arange(len(wrapped)), wrapped))
        return np.asarray(np.interp(lags, np.arange(len(self.values)), self.values, right=0.0))


@dataclass(frozen=True)
class Pulse(Autocorrelation):
    """The autocorrelation of a clip's onset strength, and its onset counts."""

    count: int
    """Number of onsets."""
    low: int
    """Number of onsets in the low part (kick and bass)."""
    high: int
    """Number of onsets in the high part (cymbals and consonants)."""


def linear_pulse(features: OnsetFeatures) -> Pulse:
    """The pulse of a clip that need not be a loop."""
    values = linear_autocorrelation(widened(features.rise.sum(axis=1))[:, np.newaxis])
    return Pulse(values, features.frame_rate_hz, features.seconds, False, *_counts(features))


def linear_autocorrelation(envelope: Doubles) -> Doubles:
    """The autocorrelation of (frames, columns), summed over columns: (frames,) for every lag, 1 at lag 0."""
    moments = len(envelope)
    envelope = envelope - envelope.mean(axis=0)
    size = 1 << (2 * moments).bit_length()
    spectrum = np.square(np.abs(np.fft.rfft(envelope, size, axis=0))).sum(axis=1)
    products = np.fft.irfft(spectrum, size)[:moments]
    products /= np.maximum(moments - np.arange(moments), MIN_OVERLAP * moments)
    return np.asarray(products / max(products[0], 1e-12))


def circular_pulse(features: OnsetFeatures) -> Pulse:
    """The pulse of a clip treated as a loop."""
    frames = max(4, round(features.seconds * features.frame_rate_hz))
    moments = np.arange(frames) * features.seconds / frames * features.frame_rate_hz
    rise = np.interp(moments, np.arange(len(features.rise)), features.rise.sum(axis=1))
    total = widened(np.pad(rise, WIDTH_FRAMES, mode="wrap"))[WIDTH_FRAMES:-WIDTH_FRAMES]
    total -= total.mean()
    products = np.fft.irfft(np.square(np.abs(np.fft.rfft(total))), frames)
    return Pulse(
        products / max(products[0], 1e-12), frames / features.seconds, features.seconds, True, *_counts(features)
    )


def pulse_evidence(pulse: Pulse, period_seconds: float) -> Doubles:
    """The evidence for a beat period: (15,), weighted in `tempo`.

    The autocorrelation at each of `LAGS`; the squared distance from `USUAL_BPM` in octaves; and the onsets per beat
    (all, low, high), each as a log2 and as its squared distance from two onsets.
    """
    similarity = pulse.at(period_seconds * LAGS)
    usual = math.log2(60 / period_seconds / USUAL_BPM) ** 2
    a_beat = np.array((pulse.count, pulse.low, pulse.high)) * period_seconds / max(pulse.seconds, 1e-9)
    dense = np.log2(a_beat + 0.1)
    return np.array((*similarity, usual, *dense, *(dense - 1) ** 2))


def clarity(pulse: Pulse, period_seconds: float) -> float:
    """How clear the pulse is at a beat period: the mean of the two best autocorrelations after 1 to 4 beats, 0–1."""
    lags = np.array([multiple for multiple in (1.0, 2.0, 3.0, 4.0) if multiple * period_seconds < 0.8 * pulse.seconds])
    return float(np.clip(np.sort(pulse.at(period_seconds * lags))[-2:].mean(), 0, 1)) if len(lags) else 0.0


def periods(pulse: Pulse) -> list[float]:
    """The `MOST_PERIODS` best beat periods, in seconds: those within the range of tempi with the highest
    autocorrelation, best first."""
    tempi = np.exp(np.arange(math.log(SLOWEST_BPM) - 2 * STEP, math.log(FASTEST_BPM) + 2 * STEP, STEP))
    similarity = pulse.at(np.outer(np.array(MULTIPLES), 60 / tempi)).sum(axis=0)
    peaks = find_peaks(similarity)
    best = sorted(peaks.tolist(), key=lambda peak: -similarity[peak])[:MOST_PERIODS]
    return [refined(pulse, 60 / float(tempi[peak])) for peak in best]


def refined(pulse: Pulse, period_seconds: float) -> float:
    """The beat period near `period_seconds` that also fits the largest lags."""
    period, reach = period_seconds, 2
    farthest = int(0.7 * pulse.seconds / period_seconds)
    while True:
        # Each pass includes lags twice as large, at which a smaller error shows.
        around = period * (1 + np.linspace(-0.012, 0.012, 121) * 2 / reach)
        beats = np.arange(1, min(reach, max(1, farthest)) + 1)
        similarity = pulse.at(np.outer(around, beats)).sum(axis=1)
        peak = int(similarity.argmax())
        period = float(around[peak])
        if 0 < peak < len(around) - 1:
            left, middle, right = similarity[peak - 1 : peak + 2]
            curvature = left - 2 * middle + right
            period += float((left - right) / (2 * curvature) * (around[1] - around[0])) if curvature < 0 else 0.0
        if reach >= farthest:
            return period
        reach *= 2


def first_beat(features: OnsetFeatures, period_seconds: float) -> float:
    """The time of the first beat of the whole clip, in seconds from its start: 0 up to one period."""
    total = widened(features.rise.sum(axis=1))
    offsets = np.arange(0, period_seconds, 0.5 / features.frame_rate_hz)
    beats = np.arange(int(features.seconds / period_seconds) + 1) * period_seconds
    moments = np.add.outer(offsets, beats) * features.frame_rate_hz
    score = np.interp(moments, np.arange(len(total)), total, right=0.0).sum(axis=1)
    return float((features.start_seconds + offsets[int(score.argmax())]) % period_seconds)


def widened(rise: Doubles) -> Doubles:
    """Onset strength, smoothed over `WIDTH_FRAMES`: (frames,)."""
    window = np.hanning(WIDTH_FRAMES + 2)[1:-1]
    return np.convolve(rise, window / window.sum(), mode="same")


def _counts(features: OnsetFeatures) -> tuple[int, int, int]:
    """The number of onsets: all, low, high."""
    rate = features.frame_rate_hz
    low, high = (_count(features.rise[:, part], rate, MIN_RISE_OF_PART, APART_SECONDS_OF_PART) for part in (LOW, HIGH))
    return _count(features.rise.sum(axis=1), rate, MIN_RISE, APART_SECONDS), low, high


def _count(rise: Doubles, rate_hz: float, min_rise: float, apart_seconds: float) -> int:
    envelope = widened(rise)
    least = max(min_rise * float(envelope.max(initial=0.0)), 1e-9)
    return len(find_peaks(np.pad(envelope, 1), height=least, distance=max(1, round(apart_seconds * rate_hz))))
