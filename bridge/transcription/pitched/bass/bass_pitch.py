"""The pitch of a bass from a network that is made for one voice, joined to basic-pitch's posteriors.

Where basic-pitch errs on a bass, it mostly hears an octave or a twelfth too high. SwiftF0 hears the right key in 98 of
100 frames, but neither onsets nor repeated notes. So the posteriors keep saying when, and where SwiftF0 is sure it says
which key. For voices this does harm: there the errors are glides, which it follows.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bridge.dsp.arrays import Bytes, Floats
from bridge.transcription.pitched.bass.swift_f0 import PitchTrack
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, PITCHES, Posteriors, as_bytes
from bridge.transcription.pitched.posteriors import PROBABILITY_SCALE as SCALE

#: Three times as fast a B0 is within SwiftF0's range, and each of its frames is three of the posteriors'.
STEP = 3
#: The saturation, so that a sine is heard too; more of it costs certainty on real basses.
DRIVE, EVEN = 1.0, 0.2
#: Below this confidence SwiftF0 counts for nothing.
SURE = 0.4
#: … and where the other network hears no key at all with this probability: in a rest, bleed has a pitch too.
HEARD = 0.2
#: The tracked pitch belongs to a key wholly up to this distance in semitones, and less and less up to a semitone more.
ON_KEY = 0.3
#: The share that it has in the note posteriors, and the share by which it takes the onsets of other keys away.
NOTE_SHARE, ONSET_SHARE = 0.5, 0.7
#: An onset of the tracked key may have been heard at these intervals: its partials, or the octave below.
HEARD_AT = (12, 19, 24, -12)
#: An onset belongs to a key that is tracked from this many frames before to this many after it.
BEFORE, AFTER = 1, 6
FRAMES_AT_ONCE = 4096


def joined(posteriors: Posteriors, track: PitchTrack) -> Posteriors:
    """The posteriors, their note and onset joined with the track of `SpedUp(audio, STEP, DRIVE, EVEN)`."""
    note, onset = np.zeros_like(posteriors.note), np.zeros_like(posteriors.onset)
    for start in range(0, posteriors.frames, FRAMES_AT_ONCE):
        stop = min(start + FRAMES_AT_ONCE, posteriors.frames)
        tracked = _tracked(track, start - BEFORE, stop + AFTER)
        heard = posteriors.note[start:stop].max(axis=1, keepdims=True) >= HEARD * SCALE
        now = tracked[BEFORE : BEFORE + stop - start] * heard
        soon = np.lib.stride_tricks.sliding_window_view(tracked, BEFORE + 1 + AFTER, axis=0).max(axis=-1)
        note[start:stop] = _notes(posteriors.note[start:stop], now)
        onset[start:stop] = _onsets(posteriors.onset[start:stop], soon)
    return replace(posteriors, note=note, onset=onset)


def _tracked(track: PitchTrack, start: int, stop: int) -> Floats:
    """How surely each key is tracked in the posteriors' frames from `start` to `stop`, even outside: (frames, 88)."""
    if not len(track.pitch):
        return np.zeros((stop - start, PITCHES), np.float32)
    frames = np.clip((np.arange(start, stop) + STEP // 2) // STEP, 0, len(track.pitch) - 1)
    sure = np.where(track.confidence[frames] >= SURE, track.confidence[frames], 0)
    keys = np.arange(LOWEST_PITCH, LOWEST_PITCH + PITCHES)
    near = np.clip(1 + ON_KEY - np.abs(track.pitch[frames, np.newaxis] - keys), 0, 1)
    return np.asarray(sure[:, np.newaxis] * near, np.float32)


def _notes(heard: Bytes, tracked: Floats) -> Bytes:
    share = NOTE_SHARE * tracked.max(axis=1, keepdims=True)
    return as_bytes((1 - share) * (heard / SCALE) + NOTE_SHARE * tracked)


def _onsets(heard: Bytes, tracked: Floats) -> Bytes:
    onset = heard / SCALE
    anywhere = onset.copy()
    for interval in HEARD_AT:
        own, other = (
            (slice(0, -interval), slice(interval, None))
            if interval > 0
            else (slice(-interval, None), slice(0, interval))
        )
        np.maximum(anywhere[:, own], onset[:, other], out=anywhere[:, own])
    elsewhere = np.clip(tracked.max(axis=1, keepdims=True) - tracked, 0, 1)
    return as_bytes(np.maximum(onset, anywhere * tracked) * (1 - ONSET_SHARE * elsewhere))
