"""Follows the beats of music without a click, from an estimate of its tempo.

The local tempo is the smoothest path through the autocorrelations of a few seconds each; the beats are the chain of
onsets that keeps to it best (D. Ellis, Beat tracking by dynamic programming, J. New Music Research 36, 2007).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bridge.dsp.arrays import Doubles, Indices
from bridge.music.metre import Metre
from bridge.music.tempo.harmony import pitch_changes
from bridge.music.tempo.onsets import LOW, PITCH_EVERY, OnsetFeatures
from bridge.music.tempo.pulse import widened

#: Local tempi are measured in windows of this length, once in this time.
WINDOW_SECONDS, HOP_SECONDS = 8.0, 1.0
#: How far the local tempo may be from the estimate, and its steps, as logarithms.
REACH, STEP = 0.36, 0.012
#: What a change of the local tempo by one step costs, beside the correlations, which are at most 1.
STEP_COST = 0.035
#: Multiples of the beat at which a window is compared with itself.
MULTIPLES = (1.0, 2.0, 3.0, 4.0)
#: How much a beat that comes early or late costs, beside the onset strength, which has a variance of 1: times the
#: square of the logarithm of its distance, relative to the local beat.
TIGHTNESS = 120.0
#: Shortest and longest distance of two beats, relative to the local beat.
NEAREST, FARTHEST = 0.7, 1.4
#: Onset strength beyond this many standard deviations counts no more.
LOUDEST = 4.0
#: Beats are sought at every second frame.
STRIDE = 2
#: A beat lies on the strongest onset that is at most this far from it.
SNAP_SECONDS = 0.035


@dataclass(frozen=True)
class TrackedBeats:
    """Beats from the first that sounds to the last."""

    seconds: Doubles
    """(beats,): when each is, from the clip's start; ascending."""
    clarity: float
    """0–1: how alike the music is to itself after one to four beats, on the mean of all windows."""
    first_bar: float
    """The beat on which the first bar starts: an index into `seconds`, or half an index in metres as 7/8."""


def track_beats(features: OnsetFeatures, beat_seconds: float, metre: Metre) -> TrackedBeats | None:
    """The beats of a clip whose tapped beat is about `beat_seconds`; None if it is too short for two of them."""
    strength = widened(features.rise.sum(axis=1) + features.rise[:, LOW])
    if features.seconds < 2 * beat_seconds * FARTHEST or not strength.any():
        return None
    periods, clarity = _local_periods(strength, features.frame_rate_hz, beat_seconds)
    frames = _chain(strength, periods * features.frame_rate_hz)
    if len(frames) < 2:
        return None
    beats = _snapped(strength, frames, round(SNAP_SECONDS * features.frame_rate_hz))
    first_bar = _first_bar(features, beats, metre)
    return TrackedBeats(features.start_seconds + beats / features.frame_rate_hz, clarity, first_bar)


def _local_periods(strength: Doubles, rate_hz: float, beat_seconds: float) -> tuple[Doubles, float]:
    """The beat period at every frame in seconds: (frames,); and the clarity."""
    size, hop = round(min(WINDOW_SECONDS * rate_hz, len(strength))), round(HOP_SECONDS * rate_hz)
    starts = np.arange(0, max(1, len(strength) - size + 1), hop)
    windows = np.lib.stride_tricks.sliding_window_view(strength, size)[starts]
    windows = windows - windows.mean(axis=1, keepdims=True)
    length = 1 << (2 * size - 1).bit_length()
    products = np.fft.irfft(np.square(np.abs(np.fft.rfft(windows, length, axis=1))), length, axis=1)[:, :size]
    products /= np.maximum(size - np.arange(size), 0.3 * size)
    products /= np.maximum(products[:, :1], 1e-12)
    candidates = beat_seconds * np.exp(np.arange(-REACH, REACH + STEP / 2, STEP))
    lags = np.outer(MULTIPLES, candidates) * rate_hz
    alike = np.array([np.interp(lags, np.arange(size), row, right=0.0).mean(axis=0) for row in products])
    path = _smoothest(alike)
    clarity = float(np.clip(alike[np.arange(len(path)), path].mean(), 0.0, 1.0))
    centres = starts + size / 2
    return np.interp(np.arange(len(strength)), centres, candidates[path]), clarity


def _smoothest(alike: Doubles) -> Indices:
    """The path of the best candidates, whose changes cost: (windows,), from (windows, candidates)."""
    count = alike.shape[1]
    cost = STEP_COST * np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    total, sources = alike[0], []
    for row in alike[1:]:
        reached = total - cost
        sources.append(reached.argmax(axis=1))
        total = reached.max(axis=1) + row
    path = [int(total.argmax())]
    for source in reversed(sources):
        path.append(int(source[path[-1]]))
    return np.array(path[::-1], np.intp)


def _chain(strength: Doubles, periods: Doubles) -> Doubles:
    """The frames of the beats, by dynamic programming: (beats,)."""
    onsets = strength / max(float(strength.std()), 1e-9)
    onsets = np.minimum(onsets[: len(onsets) // STRIDE * STRIDE].reshape(-1, STRIDE).max(axis=1), LOUDEST)
    local = periods[::STRIDE] / STRIDE
    score, source = onsets.copy(), np.full(len(onsets), -1)
    nearest = np.maximum(1, np.floor(NEAREST * local)).astype(np.intp)
    farthest = np.ceil(FARTHEST * local).astype(np.intp)
    distances = np.arange(1, int(farthest.max()) + 2)
    logs = np.log(distances)
    for at in range(int(nearest[0]), len(onsets)):
        near, far = nearest[at], min(int(farthest[at]), at)
        if far < near:
            continue
        before = score[at - far : at - near + 1][::-1]
        gained = before - TIGHTNESS * np.square(logs[near - 1 : far] - math.log(local[at]))
        best = int(gained.argmax())
        if gained[best] > 0:
            score[at] += gained[best]
            source[at] = at - near - best
    at = len(onsets) - 1 - int(score[::-1][: max(1, int(local[-1]))].argmax())
    chain = []
    while at >= 0:
        chain.append(at)
        at = int(source[at])
    return np.array(chain[::-1], np.float64) * STRIDE


def _snapped(strength: Doubles, frames: Doubles, reach: int) -> Doubles:
    """The beats on the onsets that are nearest, to a part of a frame; a beat without an onset stays where it is."""
    found = []
    floor = 0.3 * float(strength[np.clip(frames.astype(np.intp), 0, len(strength) - 1)].mean())
    for frame in frames.astype(np.intp):
        first = max(0, frame - reach)
        around = strength[first : frame + reach + 1]
        peak = int(around.argmax())
        is_onset = around[peak] > floor and 0 < peak < len(around) - 1
        if not is_onset:
            found.append(float(frame))
            continue
        left, middle, right = around[peak - 1 : peak + 2]
        curvature = left - 2 * middle + right
        found.append(first + peak + (float((left - right) / (2 * curvature)) if curvature < 0 else 0.0))
    return np.array(found)


def _first_bar(features: OnsetFeatures, beats: Doubles, metre: Metre) -> float:
    """The beat on which bars start most often with low onsets and changes of pitch."""
    halves = max(1, round(2 * metre.bar_quarters / metre.tapped_quarters))
    places = np.interp(np.arange(2 * len(beats) - 1) / 2, np.arange(len(beats)), beats)
    around = np.clip(np.rint(np.add.outer(places, np.arange(-6, 7))).astype(np.intp), 0, len(features.rise) - 1)
    low = features.rise[around][:, :, LOW].max(axis=1)
    lengths = float(np.diff(beats).mean())
    changes = pitch_changes(features, places / PITCH_EVERY, lengths / PITCH_EVERY)
    weight = low / (low.mean() + 1e-9) + changes / (changes.mean() + 0.02)
    step = 1 if halves % 2 else 2
    scores = [float(weight[start::halves].mean()) for start in range(0, min(halves, len(places)), step)]
    return step * int(np.argmax(scores)) / 2
