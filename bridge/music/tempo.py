"""The tempo of a clip that no DAW told: by its length where it is whole bars, else by the pulse of its onsets."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Value
from bridge.music.bars import bars_evidence, possible_bars, unpadded
from bridge.music.harmony import BEATS, pitch_evidence, pitch_repetition
from bridge.music.onsets import Onsets, onsets
from bridge.music.pulse import (
    Pulse,
    Repetition,
    clarity,
    closed_pulse,
    evidence,
    first_beat,
    open_pulse,
    periods,
    refined,
)
from bridge.units import DEFAULT_TEMPO_BPM

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Estimates below this confidence are for a person to look at, not to write into files.
CONFIDENT = 0.5

#: What each line of `beats_evidence` and of `bars.bars_evidence` weighs in the odds between tempi: logistic regressions
#: over 1550 rendered loops of fifty styles, as `benchmarks.training.tempo_fit` makes them (docs/decisions/0098).
BEATS_WEIGHTS = np.array(
    (
        *(1.7, 1.1, 2.4, 2.2, 2.7, 2.3, 6.0, 2.2),  # onsets alike after each of `pulse.LAGS`
        *(-1.1, -0.68, -2.5, -0.44, -0.07, -0.37, -0.19),  # how usual; onsets a beat: all, low, high, and squares
        *(-2.0, 1.4),  # pitches alike after three beats, and after sixteen
    )
)
BARS_WEIGHTS = np.array(
    (
        *(3.1, 2.0, 2.2, 0.52, 1.1, 0.16, 3.1, 2.7),
        *(-0.46, -0.55, -1.3, -1.2, -0.14, -0.52, -0.15),
        *(1.2, 1.0, -1.6),  # pitches change: on the first beat; not within the bar; at every other bar line only
        *(2.5, 4.1, -4.2),  # a whole tempo; one decimal at most; more bars than usual
        *(-2.0, 0.19, 0.24, -0.15),  # what begins on the weakest sixteenths; the backbeat; that of half-time
    )
)

#: Clips that are heard whole, and no longer than this, may be loops.
LONGEST_LOOP_SECONDS = 60.0
#: Where half the clips with a pulse of this clarity have one, and how fast that changes.
CLEAR, CLEAR_SLOPE = 0.3, 0.05
#: The powers to which a share of the odds is raised, since a wrong tempo does more harm than none. In styles that the
#: weights were not fitted to, 97 % of loops' confident estimates are right with it, 95 % of those by beats.
LOOP_DOUBT, BEATS_DOUBT = 2, 3
#: Two beats say nothing.
LEAST_BEATS = 3.5
LEAST_ONSETS = 4
#: A tempo that is found by beats is taken for the whole number that is so near, since most music is made to one.
NEAR_WHOLE = 0.0012


class TempoEstimate(Value, frozen=True, kw_only=True):
    """A tempo, and how far it may be trusted."""

    bpm: float
    """Quarter notes a minute, 70–180 or a little beyond."""
    confidence: float
    """0–1; below `CONFIDENT` it is a guess."""
    first_beat_seconds: float
    """The first beat in the clip, from its start."""
    method: Literal["loop", "beats"]
    """`loop`: the clip is whole bars; `beats`: by the pulse of its onsets."""


@dataclass(frozen=True)
class _Choice:
    """The best of several tempi, and its share of the odds."""

    period_seconds: float
    share: float


@dataclass(frozen=True)
class _Tolerance:
    """How far a clip's own pulse may be from what its length says."""

    missed_beats: float
    """By how many beats it may miss the length."""
    less_clear: float
    """How much less plainly than the best beat the loop's may be heard."""


#: Where a tempo with at most one decimal gives the clip's length to the frame, and elsewhere.
LIKELY, UNLIKELY = _Tolerance(0.1, 0.4), _Tolerance(0.03, 0.15)


def estimate_tempo(audio: Signal, control: Control) -> TempoEstimate:
    """The tempo of `audio`, of any rate and channels; of the middle two minutes, where it is longer.

    Raises:
        Cancelled: from `control`.
    """
    heard = onsets(audio, control)
    pulse = open_pulse(heard)
    found = periods(pulse)
    if pulse.count < LEAST_ONSETS or not found:
        return TempoEstimate(bpm=DEFAULT_TEMPO_BPM, confidence=0.0, first_beat_seconds=0.0, method="beats")
    pitches = pitch_repetition(heard)
    beats = _best([beats_evidence(pulse, pitches, period) @ BEATS_WEIGHTS for period in found], found)
    loop = _loop(heard, pulse, beats, audio)
    return _by_beats(heard, pulse, beats) if loop is None else loop


def beats_evidence(pulse: Pulse, pitches: Repetition, period_seconds: float) -> Doubles:
    """What speaks for a beat of that length in a clip that is not taken for bars: (17,)."""
    return np.concatenate((evidence(pulse, period_seconds), pitch_evidence(pitches, period_seconds)))


def _loop(heard: Onsets, pulse: Pulse, beats: _Choice, audio: Signal) -> TempoEstimate | None:
    """The tempo by the clip's length; None where it does not seem to be whole bars."""
    if audio.frames > LONGEST_LOOP_SECONDS * audio.sample_rate_hz:
        return None
    counts = possible_bars(audio.frames, audio.sample_rate_hz)
    if not counts:
        return None
    round_pulse = closed_pulse(heard)
    odds = [bars_evidence(heard, round_pulse, bars) @ BARS_WEIGHTS for bars in counts]
    bars = counts[int(np.argmax(odds))]
    choice = _best(odds, [count.period_seconds for count in counts])
    pulsing = refined(pulse, bars.period_seconds)
    padded = unpadded(bars, audio, pulsing) if bars.decimals > 1 else None
    tolerance = LIKELY if bars.decimals <= 1 or padded else UNLIKELY
    missed = abs(heard.seconds / pulsing - BEATS * bars.bars)
    behind = clarity(pulse, beats.period_seconds) - clarity(pulse, bars.period_seconds)
    if missed > tolerance.missed_beats or behind > tolerance.less_clear:
        return None
    bpm, lead = padded or (bars.tempo_bpm, 0.0)
    plain = clarity(round_pulse if bars.bars > 1 else pulse, bars.period_seconds)
    return TempoEstimate(
        bpm=round(bpm, 4),
        confidence=_confidence(choice.share**LOOP_DOUBT, plain, bars.bars * BEATS, pulse),
        first_beat_seconds=round(lead, 4),
        method="loop",
    )


def _by_beats(heard: Onsets, pulse: Pulse, beats: _Choice) -> TempoEstimate:
    bpm = 60 / beats.period_seconds
    whole = round(bpm)
    bpm = float(whole) if abs(bpm / whole - 1) <= NEAR_WHOLE else round(bpm, 2)
    return TempoEstimate(
        bpm=bpm,
        confidence=_confidence(
            beats.share**BEATS_DOUBT, clarity(pulse, beats.period_seconds), heard.seconds / beats.period_seconds, pulse
        ),
        first_beat_seconds=round(first_beat(heard, 60 / bpm), 4),
        method="beats",
    )


def _best(odds: list[float], period_seconds: list[float]) -> _Choice:
    chances = np.exp(np.array(odds) - max(odds))
    best = int(chances.argmax())
    return _Choice(period_seconds[best], float(chances[best] / chances.sum()))


def _confidence(share: float, plain: float, beats: float, pulse: Pulse) -> float:
    """How sure it is that there is a pulse, times how sure it is that the beat is not another of its levels."""
    if beats < LEAST_BEATS or pulse.count < LEAST_ONSETS:
        return 0.0
    return round(share / (1 + math.exp((CLEAR - plain) / CLEAR_SLOPE)), 3)
