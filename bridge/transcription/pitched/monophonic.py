"""Monophonic decoding: the best chain of the candidate notes, found by dynamic programming."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bridge.transcription.pitched.polyphonic import candidates
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, PROBABILITY_SCALE, Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment

#: The cost of a note, in probability summed over frames: with it, a ghost of a few frames is not worth cutting the note
#: that it interrupts.
NOTE_COST = 1.0
#: A note that the next one cuts short may keep this share of the shortest length.
CUT_SHARE = 0.7
#: A scoop: a note of at most so many frames, a semitone below the one that it leads into without a gap, which is this
#: many times as long.
SCOOP_FRAMES = 5
AFTER_SCOOP = 4
#: How many candidates back, in order of start, a note's predecessor may lie.
MAX_LOOKBACK = 24


def monophonic_segments(posteriors: Posteriors, profile: Profile) -> list[NoteSegment]:
    """The notes of the best line, in order, without overlap."""
    attacked, unattacked = candidates(posteriors, profile)
    shortest = max(2, round(CUT_SHARE * profile.shortest_seconds * posteriors.frame_rate_hz))
    ordered = sorted(attacked + unattacked, key=lambda segment: (segment.start, segment.pitch))
    return without_scoops(best_line(posteriors, ordered, shortest))


def without_scoops(line: list[NoteSegment]) -> list[NoteSegment]:
    """The line, each note beginning where the scoop into it does; singers and winds often reach a note from below."""
    kept: list[NoteSegment] = []
    for segment in line:
        last = kept[-1] if kept else None
        if last is not None and _is_scoop(last, segment):
            kept[-1] = segment._replace(start=last.start)
        else:
            kept.append(segment)
    return kept


def _is_scoop(segment: NoteSegment, following: NoteSegment) -> bool:
    length = segment.stop - segment.start
    return (
        following.pitch == segment.pitch + 1
        and following.start <= segment.stop + 1
        and length <= SCOOP_FRAMES
        and following.stop - following.start >= AFTER_SCOOP * length
    )


def best_line(posteriors: Posteriors, segments: list[NoteSegment], shortest: int) -> list[NoteSegment]:
    """The chain of segments with the greatest sum of probabilities minus `NOTE_COST` each; a note ends where the next
    starts.

    Args:
        segments: by start.
        shortest: least length of a note of the line, in frames.
    """
    if not segments:
        return []
    masses = [
        np.cumsum(posteriors.note[segment.start : segment.stop, segment.pitch - LOWEST_PITCH], dtype=np.float64)
        / PROBABILITY_SCALE
        for segment in segments
    ]
    predecessors = [-1] * len(segments)
    # The score of the best line that ends with each segment, up to that segment's start.
    scores = [0.0] * len(segments)
    for index, segment in enumerate(segments):
        best, chosen = 0.0, -1
        for other in range(max(0, index - MAX_LOOKBACK), index):
            length = min(segments[other].stop, segment.start) - segments[other].start
            if length < shortest:
                continue
            total = scores[other] + float(masses[other][length - 1]) - NOTE_COST
            if total > best:
                best, chosen = total, other
        scores[index], predecessors[index] = best, chosen
    last = max(range(len(segments)), key=lambda index: scores[index] + float(masses[index][-1]) - NOTE_COST)
    chain = [last]
    while predecessors[chain[-1]] >= 0:
        chain.append(predecessors[chain[-1]])
    line = [segments[index] for index in reversed(chain)]
    return one_at_a_time(line)


def one_at_a_time(segments: list[NoteSegment]) -> list[NoteSegment]:
    """The segments, each cut where the next starts; those shorter than two frames are left out."""
    ordered = sorted(segments, key=lambda segment: (segment.start, segment.stop))
    ended = [segment._replace(stop=min(segment.stop, after.start)) for segment, after in pairwise(ordered)] + ordered[
        -1:
    ]
    return [segment for segment in ended if segment.stop - segment.start >= 2]
