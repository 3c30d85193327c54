"""When a kit is struck, and what each stroke adds to what sounded before it."""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles, Indices
from bridge.dsp.peaks import find_peaks
from bridge.transcription.drums.band_spectrogram import BANDS, Bands

#: The stretches of time in which it is measured how much a stroke adds: first frame and the one after the last, counted
#: from the stroke's. They end 12, 29, 58 and 110 ms after it.
STRETCHES = ((0, 2), (2, 5), (5, 10), (10, 19))
#: How much of what sounded before is still there in each of them.
LEFT_FROM_BEFORE = (0.8, 0.8, 0.6, 0.4)
BEFORE = (-4, -3, -2)

#: Rises are measured in the logarithm of the level, with this share of a band's loud level added, over two frames.
COMPRESSION = 0.06
LOUD_PERCENTILE = 97
#: A band's loud level is no less than this share of the loudest moment of all.
LEAST_LOUD = 0.03
RISE_FRAMES = 2
#: The mean rise of the six bands that rise most is this at least: a factor of two in each.
RISING_BANDS = 6
LEAST_RISE = 0.65
#: And so many times the median of all: hiss and murmur are restless.
LEAST_OVER_MEDIAN = 3.0
#: Of two strokes so close together the later one counts only where it rises twice as much: a flam is one stroke.
DEAD_SECONDS = 0.03
#: Levels below this are silence: a click of -60 dBFS has about 1.
SILENCE = 0.1
#: Frames looked at together, so that a long stem needs no second copy of its bands.
BLOCK_FRAMES = 8192


def hit_frames(bands: Bands) -> Indices:
    """Frames in which something is struck, in order: (strokes,)."""
    if not bands.frames or bands.level.max() < SILENCE:
        return np.zeros(0, np.intp)
    rise = _rise(bands)
    least = max(LEAST_RISE, LEAST_OVER_MEDIAN * float(np.median(rise)))
    peaks = find_peaks(np.pad(rise, 1), height=least, prominence=0.6 * LEAST_RISE) - 1
    dead = DEAD_SECONDS * bands.frame_rate_hz
    found: list[int] = []
    for frame in peaks.tolist():
        if not found or frame - found[-1] >= dead:
            found.append(frame)
        elif rise[frame] > 2 * rise[found[-1]]:
            found[-1] = frame
    return np.array(found, np.intp)


def _rise(bands: Bands) -> Doubles:
    """How much the bands that rise most get louder in each frame, in nepers: (frames,)."""
    loud = np.array([np.percentile(column, LOUD_PERCENTILE) for column in bands.level.T])
    loud = np.maximum(loud, max(SILENCE, LEAST_LOUD * float(max(loud.max(), 0.1 * bands.level.max()))))
    rise = np.zeros(bands.frames)
    for first in range(0, bands.frames, BLOCK_FRAMES):
        block = bands.level[max(0, first - RISE_FRAMES) : first + BLOCK_FRAMES]
        if first == 0:  # nothing sounds before the clip
            block = np.concatenate((np.zeros((RISE_FRAMES, BANDS), np.float32), block))
        logs = np.log(block / loud + COMPRESSION)
        rises = np.sort(np.maximum(logs[RISE_FRAMES:] - logs[:-RISE_FRAMES], 0.0), axis=1)
        rise[first : first + len(rises)] = rises[:, -RISING_BANDS:].mean(axis=1)
    return rise


def hit_increments(bands: Bands, frames: Indices) -> Doubles:
    """What each of `frames` adds to what sounded before it: (strokes, stretches, BANDS), 0 and up."""
    around = frames[:, np.newaxis] + np.array(BEFORE)
    before = np.where(around[..., np.newaxis] >= 0, bands.level[np.maximum(around, 0)], 0.0).mean(axis=1)
    added = np.zeros((len(frames), len(STRETCHES), BANDS))
    for index, (start, stop) in enumerate(STRETCHES):
        place = np.minimum(frames[:, np.newaxis] + np.arange(start, stop), bands.frames - 1)
        added[:, index] = np.maximum(bands.level[place].mean(axis=1) - LEFT_FROM_BEFORE[index] * before, 0.0)
    return added
