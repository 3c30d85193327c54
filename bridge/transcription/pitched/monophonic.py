"""One line, one note at a time: the best chain of notes out of all that may be notes (dynamic programming)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bridge.transcription.pitched.polyphonic import candidates
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, SURE, Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment

#: What a note costs, in probability summed over frames: a ghost that flickers for a few frames does not pay for
#: cutting the note that it interrupts.
NOTE_COST = 1.0
#: How many notes back the one before may lie in the order of their starts.
MEMORY = 24


def monophonic_segments(posteriors: Posteriors, profile: Profile) -> list[NoteSegment]:
    """The notes of the best line, in order; no two overlap."""
    struck, left_over = candidates(posteriors, profile)
    shortest = max(2, round(profile.shortest_seconds * posteriors.frame_rate_hz))
    return best_line(posteriors, sorted(struck + left_over, key=lambda span: (span.start, span.pitch)), shortest)


def best_line(posteriors: Posteriors, spans: list[NoteSegment], shortest: int) -> list[NoteSegment]:
    """The chain of spans with the greatest sum of probabilities less the cost of each; a note ends where the next
    starts.

    Args:
        spans: by start.
        shortest: frames that each note of the line must last.
    """
    if not spans:
        return []
    masses = [
        np.cumsum(posteriors.note[span.start : span.stop, span.pitch - LOWEST_PITCH], dtype=np.float64) / SURE
        for span in spans
    ]
    before = [-1] * len(spans)
    # What the best line is worth that ends with each span, up to the span's start.
    worth = [0.0] * len(spans)
    for index, span in enumerate(spans):
        best, chosen = 0.0, -1
        for other in range(max(0, index - MEMORY), index):
            length = min(spans[other].stop, span.start) - spans[other].start
            if length < shortest:
                continue
            total = worth[other] + float(masses[other][length - 1]) - NOTE_COST
            if total > best:
                best, chosen = total, other
        worth[index], before[index] = best, chosen
    last = max(range(len(spans)), key=lambda index: worth[index] + float(masses[index][-1]) - NOTE_COST)
    chain = [last]
    while before[chain[-1]] >= 0:
        chain.append(before[chain[-1]])
    line = [spans[index] for index in reversed(chain)]
    return one_at_a_time(line)


def one_at_a_time(spans: list[NoteSegment]) -> list[NoteSegment]:
    """The spans, each ended where the next starts; what is left of a frame or none is left out."""
    ordered = sorted(spans, key=lambda span: (span.start, span.stop))
    ended = [span._replace(stop=min(span.stop, after.start)) for span, after in pairwise(ordered)] + ordered[-1:]
    return [span for span in ended if span.stop - span.start >= 2]
