"""Where the notes of a legato instrument end: at the next note of their voice.

Under a pedal, or in a room, a piano's string sounds on after its key is up, and a microphone cannot tell when that was.
What a player does can be told: fingers leave a key when a finger near it takes the next one.
"""

from __future__ import annotations

import numpy as np

from bridge.dsp.arrays import Doubles, Indices

#: Notes this close in pitch may be of one voice or hand: a fifth.
NEAR_SEMITONES = 7
#: Notes that start this soon after another are of its chord.
CHORD_SECONDS = 0.05


def voice_ends(onsets: Doubles, offsets: Doubles, pitches: Indices, earliest: Doubles, latest: Doubles) -> Doubles:
    """The offset of each note, or the first onset of a near note in its range: (notes,).

    Args:
        onsets: in seconds and in order, as all times, (notes,).
        earliest: the range's start; onsets of the note's own chord never count.
        latest: the range's end, included. A range that ends before it starts is empty.
    """
    first = np.searchsorted(onsets, np.maximum(earliest, onsets + CHORD_SECONDS), side="left")
    last = np.searchsorted(onsets, latest, side="right")
    ends: Doubles = offsets.copy()
    for index, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        near = np.abs(pitches[start:stop] - pitches[index]) <= NEAR_SEMITONES
        if near.any():
            ends[index] = onsets[start + int(near.argmax())]
    return ends
