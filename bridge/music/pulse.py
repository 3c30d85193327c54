"""How onsets repeat, and how well a beat of some length explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.dsp.peaks import find_peaks
from bridge.music.onsets import HIGH, LOW, Onsets

SLOWEST_BPM, FASTEST_BPM = 70.0, 180.0
#: People agree on beats near this tempo (D. Moelants, Preferred tempo reconsidered, ICMPC 2002: 120 to 125; lower
#: here, where a beat at twice the tempo would do).
USUAL_BPM = 110.0
#: Onsets are widened by so much, since nobody plays to the frame.
WIDTH_FRAMES = 9
#: What counts as one of a clip's onsets: its share of the steepest rise, and how far from the next.
LEAST_RISE = 0.08
APART_SECONDS = 0.07
#: The same of one part of the spectrum.
LEAST_RISE_OF_PART = 0.12
APART_SECONDS_OF_PART = 0.06
#: Lags of an open clip that less than this share of it overlaps tell less.
LEAST_OVERLAP = 0.3
#: Steps of the search through all tempi.
STEP = 0.002
#: Multiples of a beat that the search listens to.
MULTIPLES = (0.5, 1, 2, 3, 4)


#: Multiples of a beat after which onsets are compared as evidence for it.
LAGS = np.array((0.25, 0.5, 1, 1.5, 2, 3, 4, 8))


@dataclass(frozen=True)
class Repetition:
    """The autocorrelation of a clip."""

    likeness: Doubles
    """At each lag, −1 to 1; 1 at 0: (lags,)."""
    rate_hz: float
    """Lags a second."""
    seconds: float
    closed: bool
    """True: the clip's end is taken to be followed by its start."""

    def at(self, seconds: Doubles) -> Doubles:
        """The likeness at any lags; 0 beyond the clip."""
        lags = seconds * self.rate_hz
        if self.closed:
            lags = np.mod(lags, len(self.likeness))
            going_round = np.append(self.likeness, self.likeness[0])
            return np.asarray(np.interp(lags, np.arange(len(going_round)), going_round))
        return np.asarray(np.interp(lags, np.arange(len(self.likeness)), self.likeness, right=0.0))


@dataclass(frozen=True)
class Pulse(Repetition):
    """How a clip's onsets repeat."""

    count: int
    """How many onsets the clip has."""
    low: int
    """How many of drum and bass."""
    high: int
    """How many of cymbals and consonants."""


def open_pulse(heard: Onsets) -> Pulse:
    """The pulse of a clip that is part of something longer."""
    likeness = open_likeness(_widened(heard.rise.sum(axis=1))[:, np.newaxis])
    return Pulse(likeness, heard.frame_rate_hz, heard.seconds, False, *_counts(heard))


def open_likeness(course: Doubles) -> Doubles:
    """The autocorrelation of (moments, values) at every lag: (moments,), 1 at 0."""
    moments = len(course)
    course = course - course.mean(axis=0)
    size = 1 << (2 * moments).bit_length()
    spectrum = np.square(np.abs(np.fft.rfft(course, size, axis=0))).sum(axis=1)
    products = np.fft.irfft(spectrum, size)[:moments]
    products /= np.maximum(moments - np.arange(moments), LEAST_OVERLAP * moments)
    return np.asarray(products / max(products[0], 1e-12))


def closed_pulse(heard: Onsets) -> Pulse:
    """The pulse of a clip that is meant to go round."""
    frames = max(4, round(heard.seconds * heard.frame_rate_hz))
    moments = np.arange(frames) * heard.seconds / frames * heard.frame_rate_hz
    rise = np.interp(moments, np.arange(len(heard.rise)), heard.rise.sum(axis=1))
    total = _widened(np.pad(rise, WIDTH_FRAMES, mode="wrap"))[WIDTH_FRAMES:-WIDTH_FRAMES]
    total -= total.mean()
    products = np.fft.irfft(np.square(np.abs(np.fft.rfft(total))), frames)
    return Pulse(products / max(products[0], 1e-12), frames / heard.seconds, heard.seconds, True, *_counts(heard))


def evidence(pulse: Pulse, period_seconds: float) -> Doubles:
    """What speaks for a beat of that length: (15,), weighed in `tempo`.

    How alike onsets are after each of `LAGS`; how usual the tempo is; and how many onsets a beat has, of all, low and
    high ones, each as a logarithm and its square against two.
    """
    alike = pulse.at(period_seconds * LAGS)
    usual = math.log2(60 / period_seconds / USUAL_BPM) ** 2
    a_beat = np.array((pulse.count, pulse.low, pulse.high)) * period_seconds / max(pulse.seconds, 1e-9)
    dense = np.log2(a_beat + 0.1)
    return np.array((*alike, usual, *dense, *(dense - 1) ** 2))


def clarity(pulse: Pulse, period_seconds: float) -> float:
    """How plainly beats of that length are heard, 0–1."""
    lags = np.array([multiple for multiple in (1.0, 2.0, 3.0, 4.0) if multiple * period_seconds < 0.8 * pulse.seconds])
    return float(np.clip(np.sort(pulse.at(period_seconds * lags))[-2:].mean(), 0, 1)) if len(lags) else 0.0


def periods(pulse: Pulse, most: int = 8) -> list[float]:
    """Lengths of a beat in seconds that repeat best, within the range of tempi."""
    tempi = np.exp(np.arange(math.log(SLOWEST_BPM) - 2 * STEP, math.log(FASTEST_BPM) + 2 * STEP, STEP))
    alike = pulse.at(np.outer(np.array(MULTIPLES), 60 / tempi)).sum(axis=0)
    peaks = find_peaks(alike)
    best = sorted(peaks.tolist(), key=lambda peak: -alike[peak])[:most]
    return [refined(pulse, 60 / float(tempi[peak])) for peak in best]


def refined(pulse: Pulse, period_seconds: float) -> float:
    """The length of a beat nearby that explains the most distant repetitions too."""
    period, reach = period_seconds, 2
    farthest = int(0.7 * pulse.seconds / period_seconds)
    while True:
        # Each turn listens twice as far, where a smaller error shows.
        around = period * (1 + np.linspace(-0.012, 0.012, 121) * 2 / reach)
        beats = np.arange(1, min(reach, max(1, farthest)) + 1)
        alike = pulse.at(np.outer(around, beats)).sum(axis=1)
        peak = int(alike.argmax())
        period = float(around[peak])
        if 0 < peak < len(around) - 1:
            left, middle, right = alike[peak - 1 : peak + 2]
            bend = left - 2 * middle + right
            period += float((left - right) / (2 * bend) * (around[1] - around[0])) if bend < 0 else 0.0
        if reach >= farthest:
            return period
        reach *= 2


def first_beat(heard: Onsets, period_seconds: float) -> float:
    """When the first beat falls in the whole clip, from its start: 0 up to one beat."""
    total = _widened(heard.rise.sum(axis=1))
    offsets = np.arange(0, period_seconds, 0.5 / heard.frame_rate_hz)
    beats = np.arange(int(heard.seconds / period_seconds) + 1) * period_seconds
    moments = np.add.outer(offsets, beats) * heard.frame_rate_hz
    score = np.interp(moments, np.arange(len(total)), total, right=0.0).sum(axis=1)
    return float((heard.start_seconds + offsets[int(score.argmax())]) % period_seconds)


def _widened(rise: Doubles) -> Doubles:
    window = np.hanning(WIDTH_FRAMES + 2)[1:-1]
    return np.convolve(rise, window / window.sum(), mode="same")


def _counts(heard: Onsets) -> tuple[int, int, int]:
    """How many onsets there are: of all, low, high."""
    rate = heard.frame_rate_hz
    low, high = (_count(heard.rise[:, part], rate, LEAST_RISE_OF_PART, APART_SECONDS_OF_PART) for part in (LOW, HIGH))
    return _count(heard.rise.sum(axis=1), rate, LEAST_RISE, APART_SECONDS), low, high


def _count(rise: Doubles, rate_hz: float, least_rise: float, apart_seconds: float) -> int:
    course = _widened(rise)
    least = max(least_rise * float(course.max(initial=0.0)), 1e-9)
    return len(find_peaks(np.pad(course, 1), height=least, distance=max(1, round(apart_seconds * rate_hz))))
