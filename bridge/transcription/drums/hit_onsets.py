"""When hits occur, and how much each adds to the sound before it."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles, Indices
from bridge.dsp.peaks import find_peaks
from bridge.transcription.drums.band_spectrogram import BANDS, BandSpectrogram

#: Time slots after a hit in which its increment is measured, as (first frame, last frame + 1) from the hit. They end
#: 12, 29, 58 and 110 ms after it.
INCREMENT_SLOTS = ((0, 2), (2, 5), (5, 10), (10, 19))
#: The share of the sound before a hit that is taken to remain in each slot.
REMAINING_SHARE = (0.8, 0.8, 0.6, 0.4)
FRAMES_BEFORE = (-4, -3, -2)

#: Rises are measured over two frames, in the logarithm of the level plus this share of the band's loud level.
COMPRESSION = 0.06
LOUD_FRAME_PERCENTILE = 97
#: A band's loud level is at least this share of the loudest frame's.
MIN_LOUD_SHARE = 0.03
RISE_FRAMES = 2
#: The six bands that rise most must rise by this much on average: a factor of 1.6 in each, as in soft rides and hats.
RISING_BANDS = 6
MIN_RISE = 0.5
#: … and by this many times the median rise, because hiss and background noise fluctuate.
MIN_TIMES_MEDIAN = 2.2
#: Of two peaks this close together the later counts only where it rises twice as much: a flam is one hit.
DEAD_SECONDS = 0.03
#: Levels below this are silence: a click of -60 dBFS has about 1.
SILENCE = 0.1
#: Frames processed at once, so that a long stem needs no second copy of its spectrogram.
BLOCK_FRAMES = 8192


def hit_frames(spectrogram: BandSpectrogram) -> Indices:
    """The frames of all hits, in order: (hits,)."""
    if not spectrogram.frames or spectrogram.level.max() < SILENCE:
        return np.zeros(0, np.intp)
    rise = _rise(spectrogram)
    threshold = max(MIN_RISE, MIN_TIMES_MEDIAN * float(np.median(rise)))
    peaks = find_peaks(np.pad(rise, 1), height=threshold, prominence=0.6 * MIN_RISE) - 1
    dead_frames = DEAD_SECONDS * spectrogram.frame_rate_hz
    found: list[int] = []
    for frame in peaks.tolist():
        if not found or frame - found[-1] >= dead_frames:
            found.append(frame)
        elif rise[frame] > 2 * rise[found[-1]]:
            found[-1] = frame
    return np.array(found, np.intp)


def _rise(spectrogram: BandSpectrogram) -> Doubles:
    """The mean rise of the `RISING_BANDS` that rise most in each frame, in nepers: (frames,)."""
    level = spectrogram.level
    loud = np.array([np.percentile(column, LOUD_FRAME_PERCENTILE) for column in level.T])
    loud = np.maximum(loud, max(SILENCE, MIN_LOUD_SHARE * float(max(loud.max(), 0.1 * level.max()))))
    rise = np.zeros(spectrogram.frames)
    for first in range(0, spectrogram.frames, BLOCK_FRAMES):
        block = level[max(0, first - RISE_FRAMES) : first + BLOCK_FRAMES]
        if first == 0:  # silence before the clip
            block = np.concatenate((np.zeros((RISE_FRAMES, BANDS), np.float32), block))
        logs = np.log(block / loud + COMPRESSION)
        rises = np.sort(np.maximum(logs[RISE_FRAMES:] - logs[:-RISE_FRAMES], 0.0), axis=1)
        rise[first : first + len(rises)] = rises[:, -RISING_BANDS:].mean(axis=1)
    return rise


def hit_increments(spectrogram: BandSpectrogram, frames: Indices) -> Doubles:
    """How much each hit at `frames` adds to the sound before it: (hits, slots, BANDS), at least 0."""
    around = frames[:, np.newaxis] + np.array(FRAMES_BEFORE)
    before = np.where(around[..., np.newaxis] >= 0, spectrogram.level[np.maximum(around, 0)], 0.0).mean(axis=1)
    increments = np.zeros((len(frames), len(INCREMENT_SLOTS), BANDS))
    for index, (start, stop) in enumerate(INCREMENT_SLOTS):
        rows = np.minimum(frames[:, np.newaxis] + np.arange(start, stop), spectrogram.frames - 1)
        rise = spectrogram.level[rows].mean(axis=1) - REMAINING_SHARE[index] * before
        increments[:, index] = np.maximum(rise, 0.0)
    return increments
