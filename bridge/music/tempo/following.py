"""Follows the tempo of a clip: its beats as a map, in which bars lie on the grid from the clip's first sample on."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.control import PartControl
from bridge.dsp.arrays import Doubles
from bridge.model import TempoPoint
from bridge.music.metre import Metre
from bridge.music.tempo.beat_tracking import WINDOW_SECONDS, TrackedBeats, track_beats
from bridge.music.tempo.estimate import TempoEstimate, estimate_from
from bridge.music.tempo.onsets import PITCH_EVERY, OnsetFeatures, onset_features
from bridge.request import TimeSignature
from bridge.value import Value

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Below this clarity there is no beat: speech, noise and free playing reach 0.08, music with a beat 0.15 at least. What
#: is shorter than a window is like itself by chance, and must be clearer.
CLEAR = 0.12
#: A first bar this close to the clip's start, in beats, begins with the clip.
NEGLIGIBLE_BEATS = 0.1
#: The share of the work that is done after the onsets, the first estimate, its beats, and the second estimate.
ONSETS_DONE, ESTIMATED, TRACKED, ESTIMATED_AGAIN = 0.3, 0.55, 0.65, 0.9
#: The shortest beat that a map may have, in seconds: of what precedes the first bar.
SHORTEST_BEAT = 0.1
PLACES = 6


class FollowedTempo(Value, frozen=True, kw_only=True):
    """The tempo of a clip, its metre, and where its beats are."""

    estimate: TempoEstimate
    """Of the mean tempo, with the beats made even; `first_beat_seconds` is when the first bar starts."""
    points: tuple[TempoPoint, ...] = ()
    """The first at the clip's start, then every beat; empty where no beat is clear."""


def follow_tempo(audio: Signal, signature: TimeSignature | None, control: Control) -> FollowedTempo:
    """The beats of `audio`, in the given metre or else the one that is found.

    The tempo is estimated twice: where it drifts, music repeats exactly only after its beats are made even.

    Raises:
        Cancelled: from `control`.
    """
    features = onset_features(audio, PartControl(control, 0.0, ONSETS_DONE), math.inf)
    estimate = _in_metre(estimate_from(features), signature)
    control.checkpoint(ESTIMATED)
    tracked = _track(features, estimate) if estimate.readings else None
    if tracked is None or not _is_clear(tracked, features):
        return FollowedTempo(estimate=estimate)
    control.checkpoint(TRACKED)
    even = _in_metre(estimate_from(evened(features, tracked.seconds)), signature)
    control.checkpoint(ESTIMATED_AGAIN)
    again = _track(features, even)
    control.checkpoint(1.0)
    if again is None or not _is_clear(again, features):
        return FollowedTempo(estimate=estimate)
    metre = Metre.of(even.time_signature)
    points, first_bar_seconds = _map(again, metre)
    bpm = 60 * metre.tapped_quarters / float(np.diff(again.seconds).mean())
    found = msgspec.structs.replace(
        even, bpm=round(bpm, 2), first_beat_seconds=round(first_bar_seconds, PLACES), method="beats"
    )
    return FollowedTempo(estimate=found, points=points)


def _in_metre(estimate: TempoEstimate, signature: TimeSignature | None) -> TempoEstimate:
    return estimate if signature is None else estimate.in_metre(signature)


def _is_clear(tracked: TrackedBeats, features: OnsetFeatures) -> bool:
    return tracked.clarity >= CLEAR * max(1.0, WINDOW_SECONDS / features.seconds)


def _track(features: OnsetFeatures, estimate: TempoEstimate) -> TrackedBeats | None:
    metre = Metre.of(estimate.time_signature)
    return track_beats(features, 60 * metre.tapped_quarters / estimate.bpm, metre)


def evened(features: OnsetFeatures, beats: Doubles) -> OnsetFeatures:
    """The features as if all of `beats`, in seconds, were equally far apart."""
    at_beats = (beats - features.start_seconds) * features.frame_rate_hz
    frames = len(features.rise)
    period = float(np.median(np.diff(at_beats)))
    before = np.arange(math.ceil(at_beats[0] / period), 0, -1)
    after = np.arange(1, math.ceil((frames - at_beats[-1]) / period) + 1)
    played = np.concatenate((at_beats[0] - period * before, at_beats, at_beats[-1] + period * after))
    even = np.arange(len(played)) * period
    first, last = np.interp((0, frames - 1), played, even)
    moments = np.interp(np.arange(first, last), even, played)
    rise = np.stack([np.interp(moments, np.arange(frames), part) for part in features.rise.T], axis=1)
    at_pitches = moments[::PITCH_EVERY] / PITCH_EVERY
    pitches = np.stack(
        [np.interp(at_pitches, np.arange(len(features.pitches)), key) for key in features.pitches.T], axis=1
    )
    return OnsetFeatures(rise, pitches, len(rise) / features.frame_rate_hz, 0.0, features.frame_rate_hz)


def _map(tracked: TrackedBeats, metre: Metre) -> tuple[tuple[TempoPoint, ...], float]:
    """The points, and when the first bar starts.

    What precedes the first bar becomes whole beats, so that the bar starts on the grid; its first beat takes up the
    rest. In metres as 7/8, whose bars are no whole number of tapped beats, every half beat is a point.
    """
    divided = 1 if metre.holds_steps(metre.tapped_quarters) else 2
    step_quarters = metre.tapped_quarters / divided
    beats = np.interp(
        np.arange(divided * (len(tracked.seconds) - 1) + 1) / divided, np.arange(len(tracked.seconds)), tracked.seconds
    )
    bar = max(1, round(metre.bar_quarters / step_quarters))
    first = round(divided * tracked.first_bar)
    # Whole bars of silence may precede the first beat that sounds, and the first bar of all may begin before it.
    step_seconds = float(beats[1] - beats[0])
    bars_before = max(1, math.ceil(float(beats[0]) / (bar * step_seconds)))
    beats = np.concatenate((beats[0] - step_seconds * np.arange(bar * bars_before, 0, -1), beats))
    starts = [place for place in range(first % bar or bar, len(beats), bar) if beats[place] > 0]
    start = starts[0] if starts else len(beats) - 1
    length = float(beats[start] - beats[start - 1])
    pickup = 0 if beats[start] < NEGLIGIBLE_BEATS * length else min(start, max(1, round(float(beats[start]) / length)))
    while pickup > 1 and beats[start - pickup + 1] < SHORTEST_BEAT:
        pickup -= 1
    seconds = [0.0, *map(float, beats[start - pickup + 1 :])]
    quarters = [step_quarters * place for place in range(len(seconds))]
    tempi = [60 * step_quarters / max(later - earlier, 1e-3) for earlier, later in pairwise(seconds)]
    points = tuple(
        TempoPoint(seconds=round(second, PLACES), quarters=quarter, bpm=bpm)
        for second, quarter, bpm in zip(seconds, quarters, [*tempi, tempi[-1]], strict=True)
    )
    return points, seconds[pickup % bar]  # a whole bar before the first one is the first one
