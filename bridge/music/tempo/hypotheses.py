"""Hypotheses about tempo and metre, and the evidence for each: what `metre_choice` weighs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.dsp.peaks import find_peaks
from bridge.music.metre import Metre
from bridge.music.tempo.bars import rounded_tempo
from bridge.music.tempo.harmony import pitch_changes
from bridge.music.tempo.onsets import LOW, PITCH_EVERY, OnsetFeatures
from bridge.music.tempo.pulse import Autocorrelation, Pulse, linear_autocorrelation, refined, widened
from bridge.music.tempo.tempo_in_four import InFour, beats_odds

#: The metres that are told apart. 2/4 and 2/2 count as 4/4; 12/8 as 6/8; a bar is at most seven beats.
METRES = (Metre(4, 4), Metre(3, 4), Metre(6, 8), Metre(5, 4), Metre(7, 8), Metre(7, 4))
#: Quarters per minute of hypotheses.
SLOWEST_BPM, FASTEST_BPM = 44.0, 250.0
#: Periods in seconds that are searched for repetitions, from eighths of fast music to dotted quarters of slow.
SHORTEST_PERIOD, LONGEST_PERIOD = 0.22, 1.5
#: Share of the clip that a bar may be: a loop of one bar, with silence around it.
LONGEST_BAR = 1.02
STEP = 0.002
MOST_PERIODS = 10
#: Periods that are this near to each other, relatively, are one.
SAME = 0.012
#: Multiples of strong periods that are periods, too.
RELATIVES = (0.5, 2.0, 1 / 3, 3.0, 2 / 3, 1.5)
RELATED_PERIODS = 4
#: Lags in tapped beats at which each band is compared with itself.
LAGS = np.array((0.25, 1 / 3, 0.5, 2 / 3, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0))
#: The usual tempo of tapped beats (D. Moelants, Preferred tempo reconsidered, ICMPC 2002).
USUAL_BPM = 110.0
#: A clip is a whole number of bars if it misses them by at most this many seconds.
WHOLE_SECONDS = 0.05
#: Positions of a bar at which the folded onset strength is evidence, in tapped beats.
FOLDED_BEATS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
#: Log odds of the first estimate that are further below its best count as this far.
HOPELESS = 12.0
#: Onsets are taken from this many frames around a position.
REACH_FRAMES = 3


@dataclass(frozen=True)
class Hypothesis:
    """A beat period and a metre."""

    beat_seconds: float
    """The period of the tapped beat: of a dotted quarter in 6/8, of a quarter in 7/8."""
    metre: Metre

    @property
    def quarter_seconds(self) -> float:
        return self.beat_seconds / (1.5 if self.metre.is_compound else 1.0)

    @property
    def tempo_bpm(self) -> float:
        """Quarters per minute."""
        return 60 / self.quarter_seconds

    @property
    def bar_seconds(self) -> float:
        return self.quarter_seconds * self.metre.bar_quarters

    @property
    def half_beats(self) -> int:
        """Half beats of a bar."""
        return round(2 * self.bar_seconds / self.beat_seconds)


@dataclass(frozen=True)
class Repetitions:
    """How alike a clip is to itself after a time: autocorrelations of its onsets by part, and of its pitches."""

    parts: tuple[Autocorrelation, ...]
    """All onsets, then the low, middle and high part."""
    pitches: Autocorrelation

    @classmethod
    def of(cls, features: OnsetFeatures, pulse: Pulse, pitches: Autocorrelation) -> Repetitions:
        of_parts = [
            Autocorrelation(
                linear_autocorrelation(widened(features.rise[:, part])[:, np.newaxis]),
                features.frame_rate_hz,
                features.seconds,
                circular=False,
            )
            for part in range(features.rise.shape[1])
        ]
        return cls((pulse, *of_parts), pitches)


def hypotheses(pulse: Pulse) -> list[Hypothesis]:
    """Every metre at every beat period that the onsets suggest."""
    found = []
    for period in _periods(pulse):
        for metre in METRES:
            one = Hypothesis(period, metre)
            if SLOWEST_BPM <= one.tempo_bpm <= FASTEST_BPM and one.bar_seconds <= LONGEST_BAR * pulse.seconds:
                found.append(one)
    return found


def _periods(pulse: Pulse) -> list[float]:
    periods = np.exp(np.arange(math.log(SHORTEST_PERIOD), math.log(LONGEST_PERIOD), STEP))
    similarity = pulse.at(np.outer((1.0, 2.0, 3.0, 4.0), periods)).sum(axis=0)
    peaks = find_peaks(np.pad(similarity, 1, constant_values=-9.0)) - 1
    strongest = sorted(peaks.tolist(), key=lambda peak: -similarity[peak])[:MOST_PERIODS]
    found: list[float] = []
    for period in (refined(pulse, float(periods[peak])) for peak in strongest):
        _add(found, period)
    for period in found[:RELATED_PERIODS]:
        for relative in RELATIVES:
            if SHORTEST_PERIOD <= period * relative <= LONGEST_PERIOD:
                _add(found, period * relative)
    return found


def _add(found: list[float], period: float) -> None:
    if all(abs(period / other - 1) > SAME for other in found):
        found.append(period)


def evidence(
    features: OnsetFeatures, repetitions: Repetitions, found: Sequence[Hypothesis], earlier: InFour
) -> Doubles:
    """The evidence for each hypothesis: (hypotheses, `KINDS_OF_EVIDENCE`).

    Args:
        earlier: the estimate in 4/4.
    """
    pulse = repetitions.parts[0]
    assert isinstance(pulse, Pulse)
    periods = dict.fromkeys(one.beat_seconds for one in found)
    folds = {period: _Beats.of(features, period) for period in periods}
    odds = {period: beats_odds(pulse, repetitions.pitches, period) for period in periods}
    best = max(odds.values())
    rows = []
    for one in found:
        behind = min(best - odds[one.beat_seconds], HOPELESS)
        rows.append(np.array([*_evidence(features, repetitions, one, folds[one.beat_seconds], earlier, behind)]))
    return np.array(rows)


def _evidence(
    features: OnsetFeatures,
    repetitions: Repetitions,
    one: Hypothesis,
    beats: _Beats,
    earlier: InFour,
    behind: float,
) -> Iterator[float]:
    pulse = repetitions.parts[0]
    assert isinstance(pulse, Pulse)
    kinds = (*repetitions.parts, repetitions.pitches)
    for kind in repetitions.parts:
        yield from kind.at(one.beat_seconds * LAGS)
    for kind in kinds:
        at_bar = kind.at(one.bar_seconds * np.array((1.0, 2.0)))
        yield from at_bar
        yield float(at_bar.max() - kind.at(_other_lags(one)).max())
    yield from beats.in_bars(one)
    octaves = math.log2(60 / one.beat_seconds / USUAL_BPM)
    quarters = math.log2(one.tempo_bpm / USUAL_BPM)
    yield from (octaves, octaves**2, quarters, quarters**2)
    a_beat = np.array((pulse.count, pulse.low, pulse.high)) * one.beat_seconds / max(pulse.seconds, 1e-9)
    dense = np.log2(a_beat + 0.1)
    yield from dense
    yield from (dense - 1) ** 2
    yield from _evidence_of_length(features, one)
    is_loop = earlier.method == "loop"
    is_same = abs(earlier.bpm * one.beat_seconds / 60 - 1) < SAME
    yield from (float(is_same), is_same * earlier.confidence * is_loop, is_same * earlier.confidence * (not is_loop))
    shares = (share for bpm, share in earlier.loops if abs(bpm * one.beat_seconds / 60 - 1) < SAME)
    yield from (behind, sum(shares) * (one.metre == METRES[0]))
    yield from (float(one.metre == metre) for metre in METRES)


def _other_lags(one: Hypothesis) -> Doubles:
    """Whole beats up to two bars and half a bar beyond, at which no bar begins."""
    bar = one.bar_seconds / one.beat_seconds
    beats = np.arange(1, math.floor(2.5 * bar) + 1)
    return np.asarray(one.beat_seconds * beats[np.abs(beats / bar - np.rint(beats / bar)) * bar > 0.25])


def _evidence_of_length(features: OnsetFeatures, one: Hypothesis) -> Iterator[float]:
    """Whether a short clip has whole bars, few of them, with a tempo of few decimals."""
    bars = max(1, round(features.seconds / one.bar_seconds))
    missed = abs(features.seconds - bars * one.bar_seconds)
    is_whole = features.start_seconds == 0 and missed < min(WHOLE_SECONDS, 0.1 * one.beat_seconds)
    _, decimals = rounded_tempo(60 * bars * one.metre.bar_quarters / features.seconds, round(features.seconds * 44_100))
    yield from (
        float(is_whole),
        float(is_whole and decimals == 0),
        float(is_whole and decimals <= 1),
        float(is_whole and bars > 8),
        float(is_whole and bars & (bars - 1) == 0),
        math.log2(features.seconds / one.bar_seconds),
    )


def bar_start(features: OnsetFeatures, one: Hypothesis) -> float:
    """When the first bar starts, in seconds from the clip's start: 0 up to one bar."""
    beats = _Beats.of(features, one.beat_seconds)
    scores, step = beats.bar_scores(one.half_beats)
    return float((beats.start_seconds + step * int(np.argmax(scores)) * one.beat_seconds / 2) % one.bar_seconds)


@dataclass(frozen=True)
class _Beats:
    """Onset strength in each quarter and third of every beat, from the phase that most onsets share."""

    strength: Doubles
    """(beats, 12, parts): relative to the part's mean, in twelfths of a beat."""
    changes: Doubles
    """(beats,): change of pitches at each beat, relative to the mean."""
    start_seconds: float
    """When the first of these beats is."""

    @classmethod
    def of(cls, features: OnsetFeatures, beat_seconds: float) -> _Beats:
        beat = beat_seconds * features.frame_rate_hz
        total = widened(features.rise.sum(axis=1) + features.rise[:, LOW])
        count = max(1, int(len(total) / beat))
        offsets = np.arange(0, beat, 1.0)
        at = np.add.outer(offsets, np.arange(count) * beat)
        phase = float(offsets[int(np.interp(at, np.arange(len(total)), total, right=0.0).sum(axis=1).argmax())])
        count = max(1, int((len(total) - phase) / beat))
        places = np.rint(phase + np.arange(12 * count) * beat / 12).astype(np.intp)
        around = np.clip(np.add.outer(places, np.arange(-REACH_FRAMES, REACH_FRAMES + 1)), 0, len(total) - 1)
        reached = features.rise[around].max(axis=1)
        strength = (reached / (reached.mean(axis=0) + 1e-9)).reshape(count, 12, -1)
        changes = pitch_changes(features, (phase + np.arange(count) * beat) / PITCH_EVERY, beat / PITCH_EVERY)
        start = features.start_seconds + phase / features.frame_rate_hz
        return cls(strength, changes / (changes.mean() + 0.02), start)

    def bar_scores(self, halves: int) -> tuple[list[float], int]:
        """How much each half beat of a bar of `halves` begins bars: with low onsets and changes of pitch; the step."""
        count = len(self.strength)
        low = self.strength[:, ::6, LOW].reshape(2 * count) + np.repeat(self.changes, 2) * np.tile((1.0, 0.0), count)
        step = 1 if halves % 2 else 2
        return [float(low[start::halves].mean()) for start in range(0, min(halves, 2 * count), step)], step

    def in_bars(self, one: Hypothesis) -> Iterator[float]:
        """The strengths at positions of the bar that begins most often with low onsets and changes of pitch."""
        halves = one.half_beats
        count = len(self.strength)
        by_half = self.strength[:, ::6].reshape(2 * count, -1)
        scores, step = self.bar_scores(halves)
        start = step * int(np.argmax(scores))
        yield float(max(scores) - np.mean(scores))
        change = np.repeat(self.changes, 2)
        yield float(change[start::halves].mean())
        mean = by_half.mean(axis=0)
        for beat in FOLDED_BEATS:
            found = by_half[start + round(2 * beat) :: halves] if 2 * beat < halves else by_half[:0]
            yield from found.mean(axis=0) if len(found) else mean
        # Subdivisions of all beats: quarters, thirds.
        subdivided = self.strength.mean(axis=0)
        for place in (3, 9, 4, 8, 6):
            yield from subdivided[place] / (subdivided[0] + 0.1)


#: Evidence for one hypothesis: lags, bars, folds, tempo, length, the earlier estimate, the metre.
KINDS_OF_EVIDENCE = 4 * len(LAGS) + 5 * 3 + (2 + 3 * len(FOLDED_BEATS) + 15) + 4 + 6 + 6 + 5 + len(METRES)
