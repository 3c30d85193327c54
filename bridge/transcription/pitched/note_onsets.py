"""Note onsets: the network's onset posteriors, weighed with the rise in level of the pitch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.transcription.pitched.partials import PARTIALS, PartialBands, envelopes_db
from bridge.transcription.pitched.posteriors import PITCHES, PROBABILITY_SCALE, Posteriors
from bridge.transcription.pitched.segments import NoteSegment, peaks

#: An onset peak may lie this far below the threshold if the level rises by `FULL_RISE_DB`, and must lie this far above
#: it if the level does not rise.
RISE_WORTH = 0.15
FULL_RISE_DB = 10.0
#: Frames before and after a peak in which the rise is measured.
BEFORE, AFTER = 6, 5
#: Attacks of one pitch closer than this are one attack (81 ms: sixteenths at 180 bpm).
APART_FRAMES = 7
#: A note begins where its level is this far below the attack's peak, at most this many frames before the network's
#: onset.
BEGIN_DB = 9.0
EARLIEST_FRAMES = 9
#: The analysis windows show a note this many frames before it begins.
SMEAR_FRAMES = 1
#: A sound that swells begins earlier: where its level is this far below the peak. A percussive attack takes at most
#: this many frames from there.
SWELL_DB = 30.0
ATTACK_FRAMES = 2


def attacks(posteriors: Posteriors, column: int, threshold: float, apart: int) -> list[int]:
    """Frames in which notes of one pitch begin, in order, at least `apart` frames from each other.

    Args:
        column: a column of `Posteriors.onset`.
        threshold: least probability of a peak whose level rises by half of `FULL_RISE_DB`.
    """
    onset = np.asarray(posteriors.onset[:, column] / PROBABILITY_SCALE, np.float32)
    found = peaks(onset, max(0.05, threshold - RISE_WORTH), max(APART_FRAMES, apart))
    if not found:
        return []
    at = np.array(found)
    rise = np.clip(rises_db(posteriors, column, at) / FULL_RISE_DB, 0.0, 1.0)
    evidence = onset[at] + 2 * RISE_WORTH * (rise - 0.5)
    return [int(frame) for frame in at[evidence >= threshold - 1e-6]]


def with_onsets(
    posteriors: Posteriors, segments: Sequence[NoteSegment], bands: PartialBands, earliest: Sequence[int]
) -> list[NoteSegment]:
    """The segments, each starting where its level begins to rise; a bowed note sounds before the network detects it.

    Args:
        bands: each segment's own partials, (segments, partials).
        earliest: the first frame at which each may start, because another note sounds before it, (segments,).
    """
    if not segments:
        return []
    starts = np.array([segment.start for segment in segments], np.intp)
    frames = starts[:, np.newaxis] + np.arange(-EARLIEST_FRAMES, AFTER + 1)
    envelopes = envelopes_db(posteriors.level, bands, frames)
    reached = envelopes[:, EARLIEST_FRAMES:].max(axis=1, keepdims=True)

    def ago(depth_db: float) -> npt.NDArray[np.intp]:
        """Frames since the level was last this far below the peak, 0 where it was not."""
        quiet = envelopes[:, EARLIEST_FRAMES::-1] < reached - depth_db
        return np.where(quiet.any(axis=1), quiet.argmax(axis=1), 0)

    loud, swell = ago(BEGIN_DB), ago(SWELL_DB)
    ago_frames = loud - SMEAR_FRAMES + np.maximum(swell - loud - ATTACK_FRAMES, 0)
    first = np.maximum(starts - np.maximum(ago_frames, 0), np.minimum(np.array(earliest, np.intp), starts))
    return [segment._replace(start=start) for segment, start in zip(segments, first.tolist(), strict=True)]


def rises_db(posteriors: Posteriors, column: int, at: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """The rise in level of a pitch at each frame, from the minimum before to the maximum after, in dB: (frames,)."""
    bands = np.array([column + interval if column + interval < PITCHES else -1 for interval in PARTIALS[:4]])
    frames = at[:, np.newaxis] + np.arange(-BEFORE, AFTER + 1)
    envelopes = envelopes_db(posteriors.level, np.tile(bands, (len(at), 1)), frames)
    return np.asarray(envelopes[:, BEFORE:].max(axis=1) - envelopes[:, : BEFORE + 2].min(axis=1))
