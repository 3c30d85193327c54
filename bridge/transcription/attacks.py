"""Where notes begin: what the network says of onsets, and whether the pitch did get louder."""

from __future__ import annotations

import numpy as np

from bridge.transcription.partials import PARTIALS, courses_db
from bridge.transcription.posteriors import PITCHES, SURE, Posteriors
from bridge.transcription.spans import peaks

#: A peak of the onsets may lie so far below the threshold, if the pitch rises by the full amount; where it does not
#: rise at all, it must lie so far above.
RISE_WORTH = 0.2
#: A rise of so much is a full one.
FULL_RISE_DB = 10.0
#: Frames before and after a peak in which its rise is looked for.
BEFORE, AFTER = 6, 5


def attacks(posteriors: Posteriors, column: int, threshold: float, apart: int) -> list[int]:
    """Frames in which notes of one pitch begin, in order, at least `apart` frames from each other.

    Args:
        column: of `Posteriors.onset`.
        threshold: probability from which a peak counts whose pitch grows louder by half of a full rise.
    """
    onset = posteriors.onset[:, column].astype(np.float32) / SURE
    found = peaks(onset, max(0.05, threshold - RISE_WORTH), apart)
    if not found:
        return []
    at = np.array(found)
    rise = np.clip(rises_db(posteriors, column, at) / FULL_RISE_DB, 0.0, 1.0)
    evidence = onset[at] + 2 * RISE_WORTH * (rise - 0.5)
    return [int(frame) for frame in at[evidence >= threshold - 1e-6]]


def rises_db(posteriors: Posteriors, column: int, at: np.ndarray[tuple[int], np.dtype[np.intp]]) -> np.ndarray[
    tuple[int], np.dtype[np.float32]
]:
    """By how much a pitch grows louder around each frame, from its quietest moment before to its loudest after."""
    bands = np.array([column + interval if column + interval < PITCHES else -1 for interval in PARTIALS[:4]])
    frames = at[:, np.newaxis] + np.arange(-BEFORE, AFTER + 1)
    courses = courses_db(posteriors.level, np.tile(bands, (len(at), 1)), frames)
    return courses[:, BEFORE:].max(axis=1) - courses[:, : BEFORE + 2].min(axis=1)
