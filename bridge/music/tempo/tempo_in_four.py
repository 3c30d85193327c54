"""The tempo of a clip in 4/4: from its length if it is a loop, otherwise from its pulse."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.music.tempo.bars import bars_evidence, possible_bars, tempo_without_padding
from bridge.music.tempo.harmony import BEATS, pitch_evidence
from bridge.music.tempo.onsets import OnsetFeatures
from bridge.music.tempo.pulse import (
    Autocorrelation,
    Pulse,
    circular_pulse,
    clarity,
    first_beat,
    periods,
    pulse_evidence,
    refined,
)
from bridge.value import Value

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: `loop`: from the clip's length in bars; `beats`: from the pulse of its onsets.
TempoMethod: TypeAlias = Literal["loop", "beats"]

#: The weights of `beats_evidence` and `bars.bars_evidence` in the log odds between tempi: logistic regressions over
#: 1550 rendered loops of fifty styles (`benchmarks.training.tempo_fit`, docs/methods/tempo.md).
BEATS_WEIGHTS = np.array(
    (
        *(1.7, 1.1, 2.4, 2.2, 2.7, 2.3, 6.0, 2.2),  # autocorrelation of onsets at `pulse.LAGS`
        *(
            -1.1,
            -0.68,
            -2.5,
            -0.44,
            -0.07,
            -0.37,
            -0.19,
        ),  # distance from usual; onsets per beat: all, low, high; squares
        *(-2.0, 1.4),  # autocorrelation of pitches after 3 and 16 beats
    )
)
BARS_WEIGHTS = np.array(
    (
        *(3.1, 2.0, 2.2, 0.52, 1.1, 0.16, 3.1, 2.7),
        *(-0.46, -0.55, -1.3, -1.2, -0.14, -0.52, -0.15),
        *(1.2, 1.0, -1.6),  # pitch changes: on the first beat; at bar lines, not within; at every other bar line
        *(2.5, 4.1, -4.2),  # a whole tempo; one decimal at most; more bars than usual
        *(-2.0, 0.19, 0.24, -0.15),  # onsets on weak sixteenths; backbeat; half-time backbeat (low, middle)
    )
)

#: Longer clips are not considered to be loops.
LONGEST_LOOP_SECONDS = 60.0
#: Logistic curve from a pulse's clarity to the probability that the clip has a beat: midpoint and scale.
CLEAR, CLEAR_SLOPE = 0.3, 0.05
#: The best tempo's probability is raised to these powers, because a wrong tempo does more harm than none. With them, in
#: styles that were not in the fit, 97 % of the confident estimates by loop are right and 95 % of those by beats.
LOOP_DOUBT, BEATS_DOUBT = 2, 3
#: Fewer beats or onsets give no confidence.
MIN_BEATS = 3.5
MIN_ONSETS = 4
#: A tempo found by beats is rounded to a whole number this close (relative), because most music has a whole tempo.
NEAR_WHOLE = 0.0012


class InFour(Value, frozen=True, kw_only=True):
    """A tempo that a clip in 4/4 has, and its confidence among the usual tempi."""

    bpm: float
    """Quarter notes per minute, 70–180 or a little beyond."""
    confidence: float
    first_beat_seconds: float
    method: TempoMethod
    loops: tuple[tuple[float, float], ...] = ()
    """Of a loop: tempo and probability for each number of bars that it may have."""


@dataclass(frozen=True)
class _Choice:
    """The best of several beat periods, and its probability among them."""

    period_seconds: float
    share: float


@dataclass(frozen=True)
class _Tolerance:
    """How far a clip's pulse may differ from the tempo that its length implies."""

    missed_beats: float
    """Largest difference over the clip, in beats."""
    less_clear: float
    """Largest difference in clarity between the best beat and the loop's."""


#: `LIKELY` if a tempo with at most one decimal fits the clip's length to the frame.
LIKELY, UNLIKELY = _Tolerance(0.1, 0.4), _Tolerance(0.03, 0.15)


def in_four(features: OnsetFeatures, pulse: Pulse, pitches: Autocorrelation, audio: Signal | None) -> InFour | None:
    """The tempo if the clip is in 4/4 and its tempo is usual, 70–180; None if it has no onsets.

    Args:
        audio: None: the clip is no loop.
    """
    found = periods(pulse)
    if pulse.count < MIN_ONSETS or not found:
        return None
    beats = _best([beats_odds(pulse, pitches, period) for period in found], found)
    loop = None if audio is None else _loop(features, pulse, beats, audio)
    return _by_beats(features, pulse, beats) if loop is None else loop


def beats_odds(pulse: Pulse, pitches: Autocorrelation, period_seconds: float) -> float:
    """The log odds of a beat period in a clip that need not be a loop."""
    return float(beats_evidence(pulse, pitches, period_seconds) @ BEATS_WEIGHTS)


def beats_evidence(pulse: Pulse, pitches: Autocorrelation, period_seconds: float) -> Doubles:
    """The evidence for a beat period in a clip that need not be a loop: (17,)."""
    return np.concatenate((pulse_evidence(pulse, period_seconds), pitch_evidence(pitches, period_seconds)))


def _loop(features: OnsetFeatures, pulse: Pulse, beats: _Choice, audio: Signal) -> InFour | None:
    """The tempo from the clip's length; None if the clip does not seem to be a loop."""
    if audio.frames > LONGEST_LOOP_SECONDS * audio.sample_rate_hz:
        return None
    counts = possible_bars(audio.frames, audio.sample_rate_hz)
    if not counts:
        return None
    round_pulse = circular_pulse(features)
    odds = [bars_evidence(features, round_pulse, bars) @ BARS_WEIGHTS for bars in counts]
    bars = counts[int(np.argmax(odds))]
    choice = _best(odds, [count.period_seconds for count in counts])
    pulsing = refined(pulse, bars.period_seconds)
    padded = tempo_without_padding(bars, audio, pulsing) if bars.decimals > 1 else None
    tolerance = LIKELY if bars.decimals <= 1 or padded else UNLIKELY
    missed = abs(features.seconds / pulsing - BEATS * bars.bars)
    behind = clarity(pulse, beats.period_seconds) - clarity(pulse, bars.period_seconds)
    if missed > tolerance.missed_beats or behind > tolerance.less_clear:
        return None
    bpm, lead = padded or (bars.tempo_bpm, 0.0)
    clear = clarity(round_pulse if bars.bars > 1 else pulse, bars.period_seconds)
    return InFour(
        bpm=round(bpm, 4),
        confidence=_confidence(choice.share**LOOP_DOUBT, clear, bars.bars * BEATS, pulse),
        first_beat_seconds=round(lead, 4),
        method="loop",
        loops=tuple((count.tempo_bpm, share) for count, share in zip(counts, _shares(odds), strict=True)),
    )


def _by_beats(features: OnsetFeatures, pulse: Pulse, beats: _Choice) -> InFour:
    bpm = 60 / beats.period_seconds
    whole = round(bpm)
    bpm = float(whole) if abs(bpm / whole - 1) <= NEAR_WHOLE else round(bpm, 2)
    return InFour(
        bpm=bpm,
        confidence=_confidence(
            beats.share**BEATS_DOUBT,
            clarity(pulse, beats.period_seconds),
            features.seconds / beats.period_seconds,
            pulse,
        ),
        first_beat_seconds=round(first_beat(features, 60 / bpm), 4),
        method="beats",
    )


def _best(odds: list[float], period_seconds: list[float]) -> _Choice:
    shares = _shares(odds)
    best = int(np.argmax(shares))
    return _Choice(period_seconds[best], shares[best])


def _shares(odds: list[float]) -> list[float]:
    chances = np.exp(np.array(odds) - max(odds))
    return [float(chance) for chance in chances / chances.sum()]


def _confidence(share: float, clear: float, beats: float, pulse: Pulse) -> float:
    """The probability that there is a beat, times the probability that this is the right one."""
    return round(share * beat_probability(clear, beats, pulse), 3)


def beat_probability(clear: float, beats: float, pulse: Pulse) -> float:
    """The probability that a clip has a beat: 0–1.

    Args:
        clear: `pulse.clarity` at its period.
        beats: how many the clip has.
    """
    if beats < MIN_BEATS or pulse.count < MIN_ONSETS:
        return 0.0
    return 1 / (1 + math.exp((CLEAR - clear) / CLEAR_SLOPE))
