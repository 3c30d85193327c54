"""Loops: clips whose length is a whole number of bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.music.tempo.harmony import BEATS, changes_evidence
from bridge.music.tempo.onsets import LOW, MIDDLE, OnsetFeatures
from bridge.music.tempo.pulse import FASTEST_BPM, SLOWEST_BPM, Pulse, pulse_evidence

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: Loops have at most this many bars.
MAX_BARS = 32
#: … and rarely more than this.
USUAL_BARS = 8
#: A chosen tempo has few decimals: the fewest with which the clip's length is right to within this many frames.
ROUNDING_FRAMES = 1.0
#: Silence that a program or a codec adds around a loop is at most this long, and below this share of the loudest
#: sample near the ends.
LONGEST_PADDING_SECONDS = 0.06
PADDING_LEVEL = 1e-4
#: Longest time from an onset to the first audible sample.
ATTACK_SECONDS = 0.004
#: Largest rounding error of a loop's ends.
ROUNDING_SECONDS = 0.0005
#: An onset counts for a sixteenth if it is at most this many frames away.
REACH_FRAMES = 3


@dataclass(frozen=True)
class Bars:
    """The hypothesis that a clip has `bars` bars of 4/4."""

    bars: int
    tempo_bpm: float
    """Rounded as far as the clip's length allows."""
    decimals: int
    """Number of decimals of the tempo; 3 stands for more."""

    @property
    def period_seconds(self) -> float:
        return 60 / self.tempo_bpm


def possible_bars(frames: int, sample_rate_hz: int) -> list[Bars]:
    """Every number of bars with which a clip of `frames` frames has a tempo within the range."""
    found = []
    for bars in range(1, MAX_BARS + 1):
        exact = 60 * BEATS * bars * sample_rate_hz / frames
        if SLOWEST_BPM - 0.01 <= exact <= FASTEST_BPM + 0.01:
            tempo, decimals = rounded_tempo(exact, frames)
            found.append(Bars(bars, tempo, decimals))
    return found


def rounded_tempo(exact_bpm: float, frames: int) -> tuple[float, int]:
    """The tempo with the fewest decimals that fits a clip of `frames` frames, and their number; 3 stands for more."""
    for decimals in (0, 1, 2):
        tempo = round(exact_bpm, decimals)
        if abs(exact_bpm / tempo - 1) * frames <= ROUNDING_FRAMES:
            return tempo, decimals
    return exact_bpm, 3


def tempo_without_padding(bars: Bars, audio: Signal, pulse_seconds: float) -> tuple[float, float] | None:
    """The tempo of a loop with silence around it, and the seconds of silence before it.

    The tempo is the whole number nearest to the pulse that fits the bars once some of the silence is left out; None if
    there is no such number.
    """
    seconds = audio.frames / audio.sample_rate_hz
    lead, tail = _silences(audio)
    pulse_bpm = 60 / pulse_seconds
    # A loop after silence begins where the silence ends, or its first onset lies just before.
    least = max(0.0, lead - ATTACK_SECONDS)
    spare = {tempo: seconds - 60 * BEATS * bars.bars / tempo for tempo in range(int(pulse_bpm) - 1, int(pulse_bpm) + 3)}
    tempi = [tempo for tempo, left in spare.items() if least < left < lead + tail + ROUNDING_SECONDS]
    if not tempi:
        return None
    tempo = min(tempi, key=lambda tempo: abs(tempo - pulse_bpm))
    return float(tempo), min(lead, spare[tempo])


def _silences(audio: Signal) -> tuple[float, float]:
    """Seconds of silence at the start and at the end, each at most `LONGEST_PADDING_SECONDS`."""
    length = min(audio.frames, round(LONGEST_PADDING_SECONDS * audio.sample_rate_hz))
    ends = [np.abs(audio.read(*at)).max(axis=1) for at in ((0, length), (audio.frames - length, audio.frames))]
    floor = PADDING_LEVEL * max(float(end.max(initial=0.0)) for end in ends)
    lead, tail = (np.append(np.flatnonzero(end > floor), length)[0] for end in (ends[0], ends[1][::-1]))
    return int(lead) / audio.sample_rate_hz, int(tail) / audio.sample_rate_hz


def bars_evidence(features: OnsetFeatures, pulse: Pulse, bars: Bars) -> Doubles:
    """The evidence for a number of bars: (25,), weighted in `tempo`.

    The evidence of the pulse and of the harmony; 1 or 0 for: a whole tempo, at most one decimal, more bars than usual;
    then onset strengths relative to the mean of all sixteenths: on the weak sixteenths; in the middle part on beats 2
    and 4 minus beats 1 and 3 (the backbeat); in the low and the middle part on beat 3 minus beats 2 and 4 (the
    half-time backbeat).
    """
    bar = _folded(features, bars.bars)
    weakest = bar[1::2].mean()
    backbeat = bar[[4, 12], MIDDLE].mean() - bar[[0, 8], MIDDLE].mean()
    half_time = bar[8, [LOW, MIDDLE]] - bar[[4, 12]][:, [LOW, MIDDLE]].mean(axis=0)
    rest = (bars.decimals == 0, bars.decimals <= 1, bars.bars > USUAL_BARS, weakest, backbeat, *half_time)
    return np.concatenate((pulse_evidence(pulse, bars.period_seconds), changes_evidence(features, bars.bars), rest))


def _folded(features: OnsetFeatures, bars: int) -> Doubles:
    """Onset strength on each sixteenth of a bar, averaged over bars, relative to the mean: (16, 3)."""
    moments = np.arange(16 * bars) * features.seconds / (16 * bars)
    frames = np.rint(moments * features.frame_rate_hz).astype(np.intp)
    around = np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
    # A loop's first onset may start just before the loop's end.
    reached = features.rise[np.add.outer(frames, around) % len(features.rise)].max(axis=1)
    return np.asarray((reached / (reached.mean(axis=0) + 1e-9)).reshape(bars, 16, 3).mean(axis=0))
