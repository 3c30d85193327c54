"""Notes that ring on: under a pedal or in a wet room no envelope shows when a key was released.

Where most notes show no release, each ends where the next one of its voice begins.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.transcription.legato import CHORD_SECONDS, voice_ends
from bridge.transcription.pitched.segments import NoteSegment

#: A release is seen if a note ends more than this many frames before the network's offset.
SEEN_FRAMES = 1
#: Notes ring where at least this share of those that start within this time of them shows no release.
RINGING_SHARE = 0.6
AROUND_SECONDS = 4.0
#: A ringing note reaches the next one of its voice if it seems to end this much earlier: a share of it, and seconds.
EARLY_SHARE, EARLY_SECONDS = 0.1, 0.03


def with_voice_ends(
    network: Sequence[NoteSegment], released: Sequence[NoteSegment], rate_hz: float
) -> list[NoteSegment]:
    """The released segments; those that ring end at the next note of their voice.

    Args:
        network: the same segments with the network's offsets.
    """
    if not released:
        return []
    order = np.argsort([segment.start for segment in released], kind="stable")
    starts, stops, pitches, late = np.array(
        [(one.start, one.stop, one.pitch, other.stop - one.stop) for one, other in zip(released, network, strict=True)],
        np.intp,
    )[order].T
    onsets, offsets = starts / rate_hz, stops / rate_hz
    unseen = np.append(0, np.cumsum(late <= SEEN_FRAMES))
    first = np.searchsorted(onsets, onsets - AROUND_SECONDS)
    last = np.searchsorted(onsets, onsets + AROUND_SECONDS)
    ringing = unseen[last] - unseen[first] >= RINGING_SHARE * (last - first)
    lengths = offsets - onsets
    latest = offsets + np.where(lengths < CHORD_SECONDS, 0.0, EARLY_SHARE * lengths + EARLY_SECONDS)
    ends = voice_ends(onsets, offsets, pitches, onsets, np.where(ringing, latest, -np.inf))
    found = np.empty_like(stops)
    found[order] = np.maximum(np.rint(ends * rate_hz).astype(np.intp), np.minimum(starts + 2, stops))
    return [segment._replace(stop=stop) for segment, stop in zip(released, found.tolist(), strict=True)]
