"""Onset strength and pitch content over time: the input of the tempo estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Doubles, Floats

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal


#: Audio is decimated to about this rate; aliasing does no harm, because it does not move onsets.
RATE_HZ = 22050
WINDOW = 1024
#: Frames per second: a window about every 5 ms.
FRAME_RATE_HZ = 200
BLOCK_FRAMES = 250
#: Band edges in Hz. The bands' rises are summed into three parts: kick and bass; middle; cymbals and consonants.
EDGES_HZ = (27.5, 55, 110, 160, 220, 320, 440, 620, 880, 1240, 1760, 2500, 3500, 5000, 7000, 11025)
PARTS = (3, 11)
LOW, MIDDLE, HIGH = range(3)
#: A rise is relative to the loudest of this many frames before, so that beating tones do not count.
BEFORE_FRAMES = 4
#: Levels are clipped at this share of the loudest band's (-60 dB), then taken as logarithms.
FLOOR = 1e-3
#: The rise of a click peaks this many frames before the window's centre reaches it (measured).
EARLY_FRAMES = 2
#: Pitches are measured with a longer window, once in this many frames: every 50 ms.
PITCH_WINDOW = 4096
PITCH_EVERY = 10
#: MIDI keys whose pitches are measured: E1 to D#7.
KEYS = range(28, 100)
#: Pitches are weighted by the logarithm of their level; this far below the loudest they hardly count.
PITCH_RANGE = 1e3
#: Of longer audio, the middle part of this length is analysed.
LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class OnsetFeatures:
    """Onset strength and pitches of a clip, or of the middle part of a long one."""

    rise: Doubles
    """(frames, 3): rise in log level of the low, middle and high part; at least 0."""
    pitches: Doubles
    """(pitch frames, 72): log level of each key's pitch, at least 0; one pitch frame every `PITCH_EVERY` frames."""
    seconds: float
    """Length of the analysed part."""
    start_seconds: float
    """Start of the analysed part in the clip."""
    frame_rate_hz: float


def onset_features(audio: Signal, control: Control, longest_seconds: float = LONGEST_SECONDS) -> OnsetFeatures:
    """The onset features of `audio`, or of its middle `longest_seconds`."""
    rate = audio.sample_rate_hz
    factor = max(1, round(rate / RATE_HZ))
    hop = max(1, round(rate / factor / FRAME_RATE_HZ))
    stop = round(min(audio.frames, longest_seconds * rate))
    start = (audio.frames - stop) // 2
    stop += start
    frames = max(1, -(-(stop - start) // (factor * hop)))
    bands = _band_edges(rate / factor)
    level = np.zeros((frames, len(EDGES_HZ) - 1), np.float32)
    keys = _key_bins(rate / factor)
    pitches = np.zeros((-(-frames // PITCH_EVERY), len(KEYS)), np.float32)
    window, pitch_window = (np.hanning(length).astype(np.float32) for length in (WINDOW, PITCH_WINDOW))
    margin = (PITCH_WINDOW - WINDOW) // 2
    for first in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(first / frames)
        last = min(frames, first + BLOCK_FRAMES)
        centre = (first - EARLY_FRAMES) * hop
        reach = (last - first - 1) * hop + PITCH_WINDOW // 2
        wave = _decimated(audio, start, stop, centre - PITCH_WINDOW // 2, centre + reach, factor)
        windows = np.lib.stride_tricks.sliding_window_view(wave[margin : len(wave) - margin], WINDOW)[::hop] * window
        power = np.square(np.abs(np.fft.rfft(windows, axis=1)))
        level[first:last] = np.sqrt(np.add.reduceat(power, bands[:-1], axis=1))
        windows = np.lib.stride_tricks.sliding_window_view(wave, PITCH_WINDOW)[:: PITCH_EVERY * hop] * pitch_window
        lines = np.abs(np.fft.rfft(windows, axis=1))[:, keys[0] : keys[-1] + 1]
        at = first // PITCH_EVERY
        pitches[at : at + len(lines)] = np.maximum.reduceat(lines, keys[:-1] - keys[0], axis=1)
    control.checkpoint(1.0)
    loudness = np.log1p(PITCH_RANGE / max(float(pitches.max(initial=0.0)), 1e-9) * pitches).astype(np.float64)
    return OnsetFeatures(_rises(level), loudness, (stop - start) / rate, start / rate, rate / factor / hop)


def _decimated(audio: Signal, start: int, stop: int, first: int, last: int, factor: int) -> Floats:
    """Means over `factor` frames and all channels: frames `first` to `last` from `start` on, zero outside the part."""
    wave = np.zeros(last - first, np.float32)
    there, until = max(first, 0), min(last, (stop - start) // factor)
    if there < until:
        read = audio.read(start + there * factor, start + until * factor)
        room = wave[there - first : until - first]
        # Sums of columns: numpy takes several times as long for means along an axis of two.
        for offset in range(factor):
            for channel in range(read.shape[1]):
                room += read[offset::factor, channel]
        room /= factor * read.shape[1]
    return wave


def _band_edges(rate_hz: float) -> npt.NDArray[np.intp]:
    """The first FFT bin of each band, and the last bin + 1; no band is empty."""
    bins = np.round(np.array(EDGES_HZ) * WINDOW / rate_hz).astype(np.intp)
    for index in range(1, len(bins)):
        bins[index] = max(bins[index], bins[index - 1] + 1)
    return np.minimum(bins, WINDOW // 2)


def _key_bins(rate_hz: float) -> npt.NDArray[np.intp]:
    """The first FFT bin of each key, and the last bin + 1; low keys may share a bin."""
    edges_hz = 440 * 2 ** ((np.arange(KEYS.start, KEYS.stop + 1) - 69.5) / 12)
    # At a low sample rate the highest keys share the last bin.
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
