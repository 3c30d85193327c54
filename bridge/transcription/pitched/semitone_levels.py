"""The level of each semitone of a stem, frame by frame: a simplified constant-Q transform, after Brown (JASA, 1991).

The network gives no levels; repeated onsets, velocities and offsets are found from these. Two window lengths stand in
for one per semitone: a long one where semitones are close together in Hz, a short one above.
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.fft import rfft, rfftfreq

from bridge.dsp.arrays import Bytes, Floats
from bridge.transcription.pitched.posteriors import FLOOR_DB, LOWEST_PITCH, PITCHES, STEPS_PER_DECIBEL

Weights: TypeAlias = npt.NDArray[np.float32]

#: (window length in samples, MIDI number of its lowest pitch).
WINDOWS = ((2048, LOWEST_PITCH), (1024, 74))
#: Samples that the longest window reaches to each side of a frame's centre.
REACH = WINDOWS[0][0] // 2
FRAMES_AT_ONCE = 1024


def semitone_levels(samples: Floats, frames: int, hop: int, sample_rate_hz: int) -> Bytes:
    """Level of each semitone from A0 on, in the steps of `Posteriors.level`: uint8 (frames, 88).

    Args:
        samples: (REACH + frames · hop + REACH or more,); frame i is centred on sample REACH + i · hop.
    """
    steps = np.empty((frames, PITCHES), np.uint8)
    for size, lowest in WINDOWS:
        columns = slice(lowest - LOWEST_PITCH, PITCHES)
        windows = np.lib.stride_tricks.sliding_window_view(samples[REACH - size // 2 :], size)[::hop][:frames]
        taper, weights = _window(size), _bands(size, lowest, sample_rate_hz)
        bins = len(weights)
        for first in range(0, frames, FRAMES_AT_ONCE):
            some = slice(first, first + FRAMES_AT_ONCE)
            spectrum = rfft(windows[some] * taper, axis=1)[:, :bins]
            power = np.square(spectrum.real) + np.square(spectrum.imag)
            steps[some, columns] = level_steps(power @ weights)
    return steps


def level_steps(power: Floats) -> Bytes:
    level = 10 * np.log10(np.maximum(power, np.float32(10 ** (FLOOR_DB / 10))))
    return np.asarray(np.clip(np.rint((level - FLOOR_DB) * STEPS_PER_DECIBEL), 0, 255), np.uint8)


@cache
def _window(size: int) -> Weights:
    """A Hann window under which a sine of full scale has a peak of 1/√2."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return np.asarray(hann * np.sqrt(2) / hann.sum(), np.float32)


@cache
def _bands(size: int, lowest: int, sample_rate_hz: int) -> Weights:
    """The weight of each FFT bin in each semitone from `lowest` on: (bins up to the highest, semitones).

    A band is a semitone wide, or two bins where a semitone is narrower.
    """
    pitches = np.arange(lowest, LOWEST_PITCH + PITCHES)
    centres = 440 * 2 ** ((pitches - 69) / 12)
    bin_hz = sample_rate_hz / size
    half = np.maximum(centres * (2 ** (0.75 / 12) - 1), bin_hz)
    frequencies = rfftfreq(size, 1 / sample_rate_hz)
    frequencies = frequencies[frequencies < centres[-1] * 1.1]
    weights = np.clip(1 - np.abs(frequencies[:, np.newaxis] - centres) / half, 0, None)
    return np.asarray(weights, np.float32)
