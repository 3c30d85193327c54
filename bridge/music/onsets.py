"""How much begins to sound at each moment, and at which pitches it sounds: what tempo is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Doubles, Floats

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal


#: Audio is thinned out to about this rate; what folds over begins at the same moments.
RATE_HZ = 22050
WINDOW = 1024
#: Frames a second: a window about every 5 ms.
FRAME_RATE_HZ = 200
BLOCK_FRAMES = 250
#: Edges of the bands in Hz, whose rises are added up to three: drum and bass; middle; cymbals and consonants.
EDGES_HZ = (27.5, 55, 110, 160, 220, 320, 440, 620, 880, 1240, 1760, 2500, 3500, 5000, 7000, 11025)
PARTS = (3, 11)
LOW, MIDDLE, HIGH = range(3)
#: A rise is against the loudest of so many frames before, so that beating tones do not count.
BEFORE_FRAMES = 4
#: Levels are logarithms above this share of the loudest band's: 60 dB below it, and so is silence.
FLOOR = 1e-3
#: The rise of a click peaks so many frames before the window's centre reaches it: measured.
EARLY_FRAMES = 2
#: Pitches are heard through a longer window, once in so many frames: every 50 ms.
PITCH_WINDOW = 4096
PITCH_EVERY = 10
#: MIDI keys that are told apart: E1 to D#7.
KEYS = range(28, 100)
#: Pitches count by the logarithm of their level; so far below the loudest they are as good as silent.
PITCH_RANGE = 1e3
#: Longer audio is judged by a stretch of this length.
LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Onsets:
    """Rises of a clip, or of a stretch of it."""

    rise: Doubles
    """(frames, 3): low, middle, high; each at least 0, without unit."""
    pitches: Doubles
    """(moments, 72): how loud each key's pitch is, as a logarithm, at least 0; a moment every `PITCH_EVERY` frames."""
    seconds: float
    """Length of the stretch."""
    start_seconds: float
    """Where it begins in the clip."""
    frame_rate_hz: float


def onsets(audio: Signal, control: Control) -> Onsets:
    """The rises of `audio`, of which the middle is heard where it is long."""
    rate = audio.sample_rate_hz
    thin = max(1, round(rate / RATE_HZ))
    hop = max(1, round(rate / thin / FRAME_RATE_HZ))
    stop = min(audio.frames, round(LONGEST_SECONDS * rate))
    start = (audio.frames - stop) // 2
    stop += start
    frames = max(1, -(-(stop - start) // (thin * hop)))
    bands = _band_edges(rate / thin)
    level = np.zeros((frames, len(EDGES_HZ) - 1), np.float32)
    keys = _key_bins(rate / thin)
    pitches = np.zeros((-(-frames // PITCH_EVERY), len(KEYS)), np.float32)
    window, pitch_window = (np.hanning(length).astype(np.float32) for length in (WINDOW, PITCH_WINDOW))
    margin = (PITCH_WINDOW - WINDOW) // 2
    for first in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(first / frames)
        last = min(frames, first + BLOCK_FRAMES)
        centre = (first - EARLY_FRAMES) * hop
        reach = (last - first - 1) * hop + PITCH_WINDOW // 2
        wave = _thinned(audio, start, stop, centre - PITCH_WINDOW // 2, centre + reach, thin)
        windows = np.lib.stride_tricks.sliding_window_view(wave[margin : len(wave) - margin], WINDOW)[::hop] * window
        power = np.square(np.abs(np.fft.rfft(windows, axis=1)))
        level[first:last] = np.sqrt(np.add.reduceat(power, bands[:-1], axis=1))
        windows = np.lib.stride_tricks.sliding_window_view(wave, PITCH_WINDOW)[:: PITCH_EVERY * hop] * pitch_window
        lines = np.abs(np.fft.rfft(windows, axis=1))[:, keys[0] : keys[-1] + 1]
        at = first // PITCH_EVERY
        pitches[at : at + len(lines)] = np.maximum.reduceat(lines, keys[:-1] - keys[0], axis=1)
    control.checkpoint(1.0)
    loudness = np.log1p(PITCH_RANGE / max(float(pitches.max(initial=0.0)), 1e-9) * pitches).astype(np.float64)
    return Onsets(_rises(level), loudness, (stop - start) / rate, start / rate, rate / thin / hop)


def _thinned(audio: Signal, start: int, stop: int, first: int, last: int, thin: int) -> Floats:
    """Means of `thin` frames and all channels, `first` to `last` counted from `start`; silent outside."""
    wave = np.zeros(last - first, np.float32)
    there, until = max(first, 0), min(last, (stop - start) // thin)
    if there < until:
        read = audio.read(start + there * thin, start + until * thin).mean(axis=1)
        wave[there - first : until - first] = read.reshape(-1, thin).mean(axis=1)
    return wave


def _band_edges(rate_hz: float) -> npt.NDArray[np.intp]:
    """The first bin of each band, and the one after the last; none is empty."""
    bins = np.round(np.array(EDGES_HZ) * WINDOW / rate_hz).astype(np.intp)
    for place in range(1, len(bins)):
        bins[place] = max(bins[place], bins[place - 1] + 1)
    return np.minimum(bins, WINDOW // 2)


def _key_bins(rate_hz: float) -> npt.NDArray[np.intp]:
    """The first bin of each key, and one after the last; of deep keys two may share one."""
    edges_hz = 440 * 2 ** ((np.arange(KEYS.start, KEYS.stop + 1) - 69.5) / 12)
    # Of audio at a low rate the highest keys share the last bin.
    return np.minimum(np.ceil(edges_hz * PITCH_WINDOW / rate_hz).astype(np.intp), PITCH_WINDOW // 2)


def _rises(level: Floats) -> Doubles:
    loudest = float(level.max(initial=0.0))
    if loudest <= 0:
        return np.zeros((len(level), 3))
    logs = np.log10(np.maximum(level / loudest, FLOOR)).astype(np.float64)
    padded = np.pad(logs, ((BEFORE_FRAMES, 0), (0, 0)), constant_values=np.log10(FLOOR))
    before = np.max([padded[lag : lag + len(logs)] for lag in range(BEFORE_FRAMES - 1)], axis=0)
    rise = np.maximum(logs - before, 0.0)
    return np.stack([part.sum(axis=1) for part in np.split(rise, PARTS, axis=1)], axis=1)
