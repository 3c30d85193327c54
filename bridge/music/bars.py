"""Clips that are whole bars long, as loops are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.music.harmony import BEATS, changes_evidence
from bridge.music.onsets import LOW, MIDDLE, Onsets
from bridge.music.pulse import FASTEST_BPM, SLOWEST_BPM, Pulse, evidence

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: Loops have no more bars than this.
MOST_BARS = 32
#: … and seldom more than these.
USUAL_BARS = 8
#: A tempo that a person chose has as few decimals as give the clip's length to so many frames.
ROUNDING_FRAMES = 1.0
#: Silence that a program or a codec puts around a loop is no longer than this, and softer than this share of the
#: loudest sample around.
LONGEST_PADDING_SECONDS = 0.06
PADDING_LEVEL = 1e-4
#: How soon after it is struck a sound is heard, at most.
ATTACK_SECONDS = 0.004
#: By how much the ends of a loop may have been rounded.
ROUNDING_SECONDS = 0.0005
#: An onset counts for a moment of the bar that it misses by so many frames.
REACH_FRAMES = 3


@dataclass(frozen=True)
class Bars:
    """A clip taken for so many bars of 4/4."""

    bars: int
    tempo_bpm: float
    """Rounded as far as the clip's length allows."""
    decimals: int
    """How many the tempo has; 3 stands for more."""

    @property
    def period_seconds(self) -> float:
        return 60 / self.tempo_bpm


def possible_bars(frames: int, sample_rate_hz: int) -> list[Bars]:
    """Every number of bars at which a clip of so many frames has a tempo within the range."""
    found = []
    for bars in range(1, MOST_BARS + 1):
        exact = 60 * BEATS * bars * sample_rate_hz / frames
        if SLOWEST_BPM - 0.01 <= exact <= FASTEST_BPM + 0.01:
            tempo, decimals = rounded(exact, frames)
            found.append(Bars(bars, tempo, decimals))
    return found


def rounded(exact_bpm: float, frames: int) -> tuple[float, int]:
    """The tempo with the fewest decimals that gives a clip of `frames` its length; 3 decimals: it has more."""
    for decimals in (0, 1, 2):
        tempo = round(exact_bpm, decimals)
        if abs(exact_bpm / tempo - 1) * frames <= ROUNDING_FRAMES:
            return tempo, decimals
    return exact_bpm, 3


def unpadded(bars: Bars, audio: Signal, pulse_seconds: float) -> tuple[float, float] | None:
    """The tempo of a loop that may lie between silences, and the seconds of silence before it.

    The tempo is a whole one that leaving out some of the silence gives the bars, of several the nearest to the pulse;
    None where there is none, and so no reason to leave out anything.
    """
    seconds = audio.frames / audio.sample_rate_hz
    lead, tail = _silences(audio)
    pulse_bpm = 60 / pulse_seconds
    # A loop that follows silence begins where the silence ends, or was struck just before.
    least = max(0.0, lead - ATTACK_SECONDS)
    spare = {tempo: seconds - 60 * BEATS * bars.bars / tempo for tempo in range(int(pulse_bpm) - 1, int(pulse_bpm) + 3)}
    tempi = [tempo for tempo, left in spare.items() if least < left < lead + tail + ROUNDING_SECONDS]
    if not tempi:
        return None
    tempo = min(tempi, key=lambda tempo: abs(tempo - pulse_bpm))
    return float(tempo), min(lead, spare[tempo])


def _silences(audio: Signal) -> tuple[float, float]:
    """Seconds of silence at the start and at the end, each no longer than any padding."""
    length = min(audio.frames, round(LONGEST_PADDING_SECONDS * audio.sample_rate_hz))
    ends = [np.abs(audio.read(*at)).max(axis=1) for at in ((0, length), (audio.frames - length, audio.frames))]
    floor = PADDING_LEVEL * max(float(end.max(initial=0.0)) for end in ends)
    lead, tail = (np.append(np.flatnonzero(end > floor), length)[0] for end in (ends[0], ends[1][::-1]))
    return int(lead) / audio.sample_rate_hz, int(tail) / audio.sample_rate_hz


def bars_evidence(heard: Onsets, pulse: Pulse, bars: Bars) -> Doubles:
    """What speaks for so many bars: (25,), weighed in `tempo`.

    That of the pulse and of the harmony; 1 where the tempo is whole, where it has one decimal at most, and where there
    are more bars than usual; then, in means of all sixteenths, how much begins on the weakest ones, how much more in
    the middle on the second and fourth beat than on the others (the backbeat), and how much more on the third than on
    those two, low and in the middle (the backbeat of half-time).
    """
    bar = _folded(heard, bars.bars)
    weakest = bar[1::2].mean()
    backbeat = bar[[4, 12], MIDDLE].mean() - bar[[0, 8], MIDDLE].mean()
    half_time = bar[8, [LOW, MIDDLE]] - bar[[4, 12]][:, [LOW, MIDDLE]].mean(axis=0)
    rest = (bars.decimals == 0, bars.decimals <= 1, bars.bars > USUAL_BARS, weakest, backbeat, *half_time)
    return np.concatenate((evidence(pulse, bars.period_seconds), changes_evidence(heard, bars.bars), rest))


def _folded(heard: Onsets, bars: int) -> Doubles:
    """Rises on each sixteenth of a bar, the mean of all bars, against their mean: (16, 3)."""
    moments = np.arange(16 * bars) * heard.seconds / (16 * bars)
    frames = np.rint(moments * heard.frame_rate_hz).astype(np.intp)
    around = np.arange(-REACH_FRAMES, REACH_FRAMES + 1)
    # A loop's first onset may begin before its end.
    reached = heard.rise[np.add.outer(frames, around) % len(heard.rise)].max(axis=1)
    return np.asarray((reached / (reached.mean(axis=0) + 1e-9)).reshape(bars, 16, 3).mean(axis=0))
