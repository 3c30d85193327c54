"""One line, one note at a time: the most probable path through pitch and silence (Viterbi)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bridge.transcription.posteriors import LOWEST_PITCH, Posteriors
from bridge.transcription.profiles import Profile
from bridge.transcription.spans import Span, gaps, join, peaks, runs

#: What a change of pitch costs, in probability summed over frames, and the share of it that a sure onset takes off.
#: An octave ghost that flickers for a few frames does not pay for the way there and back.
CHANGE_COST = 0.7
ONSET_DISCOUNT = 0.8
#: Frames by which a note's onset may lie before or after the frame in which the path turns to its pitch.
SLACK_FRAMES = 4


def melody(posteriors: Posteriors, profile: Profile) -> list[Span]:
    """The notes of the best line, in order; no two overlap."""
    rate = posteriors.frame_rate_hz
    shortest = max(2, round(profile.shortest_seconds * rate))
    gap = round(profile.gap_seconds * rate)
    columns = posteriors.columns(profile.lowest, profile.highest)
    note, onset = posteriors.note[:, columns], posteriors.onset[:, columns]
    path = best_path(note - profile.note_threshold, CHANGE_COST * (1 - ONSET_DISCOUNT * onset))
    spans: list[Span] = []
    for column in np.unique(path[path >= 0]).tolist():
        pitch = LOWEST_PITCH + columns.start + column
        attacks = peaks(onset[:, column], profile.onset_threshold, shortest)
        found = runs(path == column)
        for first, last in join(found, (gaps(found) > gap) | ~_silent_between(found, path)).tolist():
            for start, stop in pairwise([*_starts(attacks, first, last), last]):
                if stop - start >= shortest:
                    spans.append(Span(start, stop, pitch, float(note[start:stop, column].mean())))
    return _one_at_a_time(spans)


def best_path(gain: npt.NDArray[np.floating], cost: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """The sequence of columns with the greatest sum of gains less the cost of every change: (frames,), silence is -1.

    Silence gains nothing, and to fall silent costs nothing.

    Args:
        gain: (frames, pitches), what each pitch brings in each frame; negative where it is improbable.
        cost: (frames, pitches), what it takes to turn to each pitch in each frame.
    """
    frames, pitches = gain.shape
    silence = pitches
    came_from = np.empty((frames, pitches + 1), np.intp)
    own = np.arange(pitches + 1)
    score = np.full(pitches + 1, -np.inf)
    score[silence] = 0.0
    fare = np.concatenate((cost, np.zeros((frames, 1))), axis=1)
    reward = np.concatenate((gain, np.zeros((frames, 1))), axis=1)
    for frame in range(frames):
        best = int(score.argmax())
        turned = score[best] - fare[frame]
        turns = turned > score
        came_from[frame] = np.where(turns, best, own)
        score = np.where(turns, turned, score) + reward[frame]
    path = np.empty(frames, np.intp)
    state = int(score.argmax())
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state = int(came_from[frame, state])
    path[path == silence] = -1
    return path


def _starts(attacks: list[int], first: int, last: int) -> list[int]:
    """Where notes start in one stretch of a pitch: at its onset or else its first frame, then at every new onset."""
    near = [at for at in attacks if first - SLACK_FRAMES <= at < last]
    repeated = [at for at in near if at > first + SLACK_FRAMES]
    return [near[0] if len(near) > len(repeated) else first, *repeated]


def _silent_between(found: npt.NDArray[np.intp], path: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether nothing but silence lies between each run of one pitch and the next: (runs - 1,)."""
    sung = np.append(0, np.cumsum(path >= 0))
    return np.asarray(sung[found[1:, 0]] == sung[found[:-1, 1]])


def _one_at_a_time(spans: list[Span]) -> list[Span]:
    """Ends each note where the next starts, since an onset may lie before the path's turn."""
    ordered = sorted(spans, key=lambda span: (span.start, span.stop))
    ended = [span._replace(stop=min(span.stop, after.start)) for span, after in pairwise(ordered)] + ordered[-1:]
    return [span for span in ended if span.stop - span.start >= 2]
