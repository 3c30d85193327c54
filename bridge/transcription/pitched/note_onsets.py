"""Where notes begin: what the network says of onsets, and whether the pitch did get louder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.transcription.pitched.partials import PARTIALS, Bands, envelopes_db
from bridge.transcription.pitched.posteriors import PITCHES, SURE, Posteriors
from bridge.transcription.pitched.segments import NoteSegment, peaks

#: A peak of the onsets may lie so far below the threshold, if the pitch rises by the full amount; where it does not
#: rise at all, it must lie so far above.
RISE_WORTH = 0.15
#: A rise of so much is a full one.
FULL_RISE_DB = 10.0
#: Frames before and after a peak in which its rise is looked for.
BEFORE, AFTER = 6, 5
#: Two attacks of one pitch lie at least so far apart (81 ms: sixteenths at 180 bpm); nearer ones are one attack.
APART_FRAMES = 7
#: A note begins where it is so far below what its attack reaches, at most so many frames before the network hears it.
BEGINS_DB = 9.0
EARLIEST_FRAMES = 9
#: The windows see a note so many frames before it begins.
SMEAR_FRAMES = 1
#: Where a sound swells, it begins earlier still: where it is so far below. A struck one takes so long from there.
SWELLS_DB = 30.0
STRUCK_FRAMES = 2


def attacks(posteriors: Posteriors, column: int, threshold: float, apart: int) -> list[int]:
    """Frames in which notes of one pitch begin, in order, at least `apart` frames from each other.

    Args:
        column: of `Posteriors.onset`.
        threshold: probability from which a peak counts whose pitch grows louder by half of a full rise.
    """
    onset = np.asarray(posteriors.onset[:, column] / SURE, np.float32)
    found = peaks(onset, max(0.05, threshold - RISE_WORTH), max(APART_FRAMES, apart))
    if not found:
        return []
    at = np.array(found)
    rise = np.clip(rises_db(posteriors, column, at) / FULL_RISE_DB, 0.0, 1.0)
    evidence = onset[at] + 2 * RISE_WORTH * (rise - 0.5)
    return [int(frame) for frame in at[evidence >= threshold - 1e-6]]


def with_onsets(
    posteriors: Posteriors, spans: Sequence[NoteSegment], bands: Bands, free: Sequence[int]
) -> list[NoteSegment]:
    """The spans, each begun where its sound begins to rise: a bow is heard before the network is sure of it.

    Args:
        bands: by which each span is heard, (spans, partials).
        free: the frame before which each may not begin, as another note sounds there, (spans,).
    """
    if not spans:
        return []
    starts = np.array([span.start for span in spans], np.intp)
    frames = starts[:, np.newaxis] + np.arange(-EARLIEST_FRAMES, AFTER + 1)
    courses = envelopes_db(posteriors.level, bands, frames)
    reached = courses[:, EARLIEST_FRAMES:].max(axis=1, keepdims=True)

    def ago(depth_db: float) -> npt.NDArray[np.intp]:
        """Frames since the sound was last so far below, 0 where it was not."""
        quiet = courses[:, EARLIEST_FRAMES::-1] < reached - depth_db
        return np.where(quiet.any(axis=1), quiet.argmax(axis=1), 0)

    loud, swell = ago(BEGINS_DB), ago(SWELLS_DB)
    ago_frames = loud - SMEAR_FRAMES + np.maximum(swell - loud - STRUCK_FRAMES, 0)
    first = np.maximum(starts - np.maximum(ago_frames, 0), np.minimum(np.array(free, np.intp), starts))
    return [span._replace(start=start) for span, start in zip(spans, first.tolist(), strict=True)]


def rises_db(posteriors: Posteriors, column: int, at: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """By how much a pitch grows louder around each frame, from its quietest moment before to its loudest after."""
    bands = np.array([column + interval if column + interval < PITCHES else -1 for interval in PARTIALS[:4]])
    frames = at[:, np.newaxis] + np.arange(-BEFORE, AFTER + 1)
    courses = envelopes_db(posteriors.level, np.tile(bands, (len(at), 1)), frames)
    return np.asarray(courses[:, BEFORE:].max(axis=1) - courses[:, : BEFORE + 2].min(axis=1))
