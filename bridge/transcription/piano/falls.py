"""How fast a piano's strings fall silent when their keys are up: slowly under a pedal or in a wet room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.resample import resampled
from bridge.dsp.arrays import Bytes, Doubles
from bridge.dsp.padded_read import samples_between
from bridge.model import Note
from bridge.transcription.pitched.partials import envelopes_db, own_bands
from bridge.transcription.pitched.posteriors import PITCHES
from bridge.transcription.pitched.segments import NoteSegment
from bridge.transcription.pitched.semitone_levels import REACH, semitone_levels

if TYPE_CHECKING:
    from bridge.protocols import Signal

#: The rate and hop of the levels, as for basic-pitch's network.
RATE_HZ, HOP = 22050, 256
FRAMES_AT_ONCE = 4096
#: Frames before and after a note's end between which its fall is measured: 0.12 s.
BEFORE, AFTER = 3, 10


def falls_db(audio: Signal, notes: Sequence[Note]) -> Doubles:
    """By how many dB the own partials of each note fall in the 0.1 s after its offset: (notes,).

    Args:
        audio: 1 channel.
    """
    if not notes:
        return np.zeros(0)
    levels = _levels(resampled(audio, RATE_HZ))
    rate, last = RATE_HZ / HOP, len(levels) - 1
    segments = []
    for note in notes:
        start = min(int(note.onset_seconds * rate), last - 1)
        stop = min(max(start + 1, round(note.offset_seconds * rate)), last)
        segments.append(NoteSegment(start, stop, note.pitch, note.confidence))
    stops = np.array([segment.stop for segment in segments])[:, np.newaxis]
    around = envelopes_db(levels, own_bands(segments, len(levels)), stops + np.arange(-BEFORE, AFTER))
    return np.asarray(around[:, :BEFORE].max(axis=1) - around[:, BEFORE:].min(axis=1), np.float64)


def _levels(audio: Signal) -> Bytes:
    """As `Posteriors.level`: uint8 (frames, 88), at least two frames."""
    frames = max(2, -(-audio.frames // HOP))
    levels = np.zeros((frames, PITCHES), np.uint8)
    for first in range(0, frames, FRAMES_AT_ONCE):
        count = min(FRAMES_AT_ONCE, frames - first)
        samples = samples_between(audio, first * HOP - REACH, (first + count) * HOP + REACH)
        levels[first : first + count] = semitone_levels(samples, count, HOP, RATE_HZ)
    return levels
