"""Estimates a clip's tempo and metre where no DAW gives them.

Tempo, beat and bar are one hypothesis (`hypotheses`): the network of `metre_choice` gives each its probability. A
person who knows the metre decides between them (`TempoEstimate.in_metre`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from bridge.model import TempoCandidate
from bridge.music.metre import Metre
from bridge.music.tempo.bars import ROUNDING_FRAMES, rounded_tempo
from bridge.music.tempo.harmony import pitch_autocorrelation
from bridge.music.tempo.hypotheses import METRES, Hypothesis, Repetitions, bar_start, evidence, hypotheses
from bridge.music.tempo.metre_choice import shares
from bridge.music.tempo.onsets import OnsetFeatures, onset_features
from bridge.music.tempo.pulse import Pulse, clarity, first_beat, linear_pulse
from bridge.music.tempo.tempo_in_four import (
    LONGEST_LOOP_SECONDS,
    NEAR_WHOLE,
    InFour,
    TempoMethod,
    beat_probability,
    in_four,
)
from bridge.request import TimeSignature
from bridge.units import DEFAULT_TEMPO_BPM
from bridge.value import Value

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Estimates below this confidence are shown to the user, but not written into files.
CONFIDENT = 0.5
#: A tempo's probability is raised to this power, because a wrong tempo does more harm than none.
DOUBT = 5.0
#: A shorter clip holds too few bars to tell metres apart: it is taken for 4/4, unless a metre is given.
TELLING_SECONDS = 5.0
#: A metre other than 4/4 is written from this probability on, at its tempo.
METRE_CONFIDENT = 0.6
#: Candidates with the same tempo differ at most by this, relatively.
SAME = 0.012
#: What people tap, in beats a minute, and how far they stray from it, in octaves (D. Moelants, Preferred tempo
#: reconsidered, ICMPC 2002). The network's odds count so much that this decides only where they are nearly even.
TAPPED_BPM, TAPPED_OCTAVES = 112.0, 0.8
#: The candidates that an estimate keeps: of each metre, so that a given metre has some.
KEPT_OF_METRE = 4
IN_FOUR = Metre(4, 4)


class Reading(Value, frozen=True, kw_only=True):
    """A candidate with all that is needed to use it."""

    bpm: float
    """Quarter notes per minute."""
    time_signature: TimeSignature
    share: float
    beat: float
    """0–1: the probability that the clip has beats at all."""
    first_beat_seconds: float
    method: TempoMethod

    @property
    def candidate(self) -> TempoCandidate:
        return TempoCandidate(bpm=self.bpm, time_signature=self.time_signature, share=round(self.share, 3))


class TempoEstimate(Value, frozen=True, kw_only=True):
    """A tempo, its metre and its confidence."""

    bpm: float
    """Quarter notes per minute, in every metre: 44–250."""
    confidence: float
    """0–1; below `CONFIDENT` it is a guess."""
    pulse_confidence: float = 0.0
    """0–1: the same for this tempo or one that is 2 or 4 times as fast or slow."""
    first_beat_seconds: float
    """Time of the first beat, from the clip's start."""
    method: TempoMethod
    """`loop`: from the clip's length in bars; `beats`: from the pulse of its onsets."""
    time_signature: TimeSignature = (4, 4)
    """4/4 where the metre is not sure."""
    readings: tuple[Reading, ...] = ()
    """What was weighed, most probable first."""

    @property
    def candidates(self) -> tuple[TempoCandidate, ...]:
        return tuple(reading.candidate for reading in self.readings)

    def in_metre(self, signature: TimeSignature) -> TempoEstimate:
        """The estimate for a clip that is known to be in this metre."""
        metre = Metre.of(signature)
        fitting = [reading for reading in self.readings if _fits(Metre.of(reading.time_signature), metre)]
        if not fitting:
            return msgspec.structs.replace(self, time_signature=signature)
        total = sum(reading.share for reading in fitting)
        told = [
            msgspec.structs.replace(reading, share=reading.share / max(total, 1e-12), time_signature=signature)
            for reading in fitting
        ]
        return msgspec.structs.replace(_estimate(told), time_signature=signature, readings=self.readings)


def estimate_tempo(audio: Signal, control: Control) -> TempoEstimate:
    """The tempo and metre of `audio`, of any sample rate and channel count; of its middle two minutes if it is longer.

    Raises:
        Cancelled: from `control`.
    """
    return estimate_from(onset_features(audio, control), audio)


def estimate_from(features: OnsetFeatures, audio: Signal | None = None) -> TempoEstimate:
    """The tempo and metre of a clip's onset features.

    Args:
        audio: the clip, whose length may be whole bars; None: it is no loop.
    """
    pulse, pitches = linear_pulse(features), pitch_autocorrelation(features)
    earlier = in_four(features, pulse, pitches, audio)
    if earlier is None:
        return TempoEstimate(bpm=DEFAULT_TEMPO_BPM, confidence=0.0, first_beat_seconds=0.0, method="beats")
    in_common_time = TempoEstimate(
        bpm=earlier.bpm,
        confidence=earlier.confidence,
        first_beat_seconds=earlier.first_beat_seconds,
        method=earlier.method,
    )
    found = hypotheses(pulse)
    if not found:
        return in_common_time
    weighed = evidence(features, Repetitions.of(features, pulse, pitches), found, earlier)
    chances = _as_tapped(found, shares(weighed).tolist())
    rate_hz = 1 if audio is None else audio.sample_rate_hz
    frames = 0 if audio is None or audio.frames > LONGEST_LOOP_SECONDS * rate_hz else audio.frames
    kept = _kept(found, chances)
    readings = [_reading(one, share, features, pulse, earlier, frames, rate_hz) for one, share in kept]
    if features.seconds < TELLING_SECONDS:
        return msgspec.structs.replace(in_common_time, readings=tuple(readings))
    return _estimate(readings)


def _as_tapped(found: Sequence[Hypothesis], chances: Sequence[float]) -> list[float]:
    """The probabilities, with how readily people tap each beat."""
    octaves = (math.log2(60 / one.beat_seconds / TAPPED_BPM) / TAPPED_OCTAVES for one in found)
    likely = [share * math.exp(-(octave**2) / 2) for share, octave in zip(chances, octaves, strict=True)]
    return [one / sum(likely) for one in likely]


def _kept(found: Sequence[Hypothesis], chances: Sequence[float]) -> list[tuple[Hypothesis, float]]:
    """The most probable hypotheses of each metre, most probable first."""
    ranked = sorted(zip(found, chances, strict=True), key=lambda one: -one[1])
    return [
        one
        for place, one in enumerate(ranked)
        if sum(before.metre == one[0].metre for before, _ in ranked[:place]) < KEPT_OF_METRE
    ]


def _reading(
    one: Hypothesis, share: float, features: OnsetFeatures, pulse: Pulse, earlier: InFour, frames: int, rate_hz: int
) -> Reading:
    beats = features.seconds / one.beat_seconds
    if one.metre == IN_FOUR and abs(earlier.bpm / one.tempo_bpm - 1) < SAME:
        bpm, first, method = earlier.bpm, earlier.first_beat_seconds, earlier.method
    elif (loop := _loop_bpm(one, frames, rate_hz)) is not None:
        bpm, first, method = loop, 0.0, "loop"
    else:
        whole = round(one.tempo_bpm)
        is_whole = abs(one.tempo_bpm / whole - 1) <= NEAR_WHOLE
        bpm, method = float(whole) if is_whole else round(one.tempo_bpm, 2), "beats"
        exact = Hypothesis(one.beat_seconds * one.tempo_bpm / bpm, one.metre)
        first = first_beat(features, exact.beat_seconds) if one.metre == IN_FOUR else bar_start(features, exact)
    return Reading(
        bpm=bpm,
        time_signature=one.metre.signature,
        share=share,
        beat=beat_probability(clarity(pulse, one.beat_seconds), beats, pulse),
        first_beat_seconds=round(first, 4),
        method=method,
    )


def _loop_bpm(one: Hypothesis, frames: int, rate_hz: int) -> float | None:
    """The tempo of one or two decimals with which the clip is whole bars to the frame; None if there is none."""
    if not frames:
        return None
    bars = max(1, round(frames / rate_hz / one.bar_seconds))
    exact = 60 * bars * one.metre.bar_quarters * rate_hz / frames
    tempo, decimals = rounded_tempo(exact, frames)
    is_near = abs(exact / one.tempo_bpm - 1) * frames <= max(ROUNDING_FRAMES, 0.1 * one.beat_seconds * rate_hz)
    return tempo if is_near and decimals <= 1 else None


def _estimate(readings: Sequence[Reading]) -> TempoEstimate:
    """The most probable tempo of all metres, and its most probable metre."""
    tempi: list[list[Reading]] = []
    for reading in readings:
        for tempo in tempi:
            if abs(tempo[0].bpm / reading.bpm - 1) < SAME:
                tempo.append(reading)
                break
        else:
            tempi.append([reading])
    best = max(tempi, key=lambda tempo: sum(reading.share for reading in tempo))
    share, first = sum(reading.share for reading in best), best[0]
    # 3/4 and 6/8 have the same bar: together they may be sure where neither is.
    of_bar = sum(reading.share for reading in best if _bar(reading) == _bar(first))
    of_pulse = sum(reading.share for reading in readings if _is_octave(reading.bpm / first.bpm))
    return TempoEstimate(
        bpm=round(first.bpm, 4),
        confidence=round(share**DOUBT * first.beat, 3),
        pulse_confidence=round(min(1.0, of_pulse) ** DOUBT * first.beat, 3),
        first_beat_seconds=first.first_beat_seconds,
        method=first.method,
        time_signature=first.time_signature if of_bar >= METRE_CONFIDENT * share else IN_FOUR.signature,
        readings=tuple(readings),
    )


def _is_octave(ratio: float) -> bool:
    return any(abs(ratio / octave - 1) < SAME for octave in (0.25, 0.5, 1.0, 2.0, 4.0))


def _bar(reading: Reading) -> float:
    """Quarters of a bar."""
    return Metre.of(reading.time_signature).bar_quarters


def _fits(metre: Metre, told: Metre) -> bool:
    """Whether a hypothesis in `metre` says the tempo of a clip in the metre that was told."""
    known = next((one for one in METRES if one.signature == told.signature), None)
    if known is not None:
        return metre == known
    if told.is_compound:
        return metre.is_compound
    if told.numerator in (2, 4) and told.denominator <= told.numerator:
        return metre == IN_FOUR
    return not metre.is_compound
