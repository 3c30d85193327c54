"""Note onsets: the network's onset posteriors, weighed with the rise in level of the pitch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels
from bridge.transcription.pitched.partials import PARTIALS, PartialBands, envelopes_db
from bridge.transcription.pitched.posteriors import PITCHES, PROBABILITY_SCALE, Posteriors
from bridge.transcription.pitched.segments import NoteSegment, peaks

#: An onset peak may lie this far below the threshold if the level rises by `FULL_RISE_DB`, and must lie this far above
#: it if the level does not rise.
RISE_WORTH = 0.15
FULL_RISE_DB = 10.0
#: Frames before and after a peak in which the rise is measured.
BEFORE, AFTER = 6, 5
#: A note that is repeated has fallen in level before: tongue, bow or finger stop it. A consonant or a change of bow on
#: a held note also looks like an onset, but the level holds. So a repetition must lie this far above the threshold, and
#: further the less its level fell before.
REPETITION_MORE = 0.05
NO_DIP_MORE = 0.15
FULL_DIP_DB = 6.0
#: Frames before an attack in which the level that the note held is measured, and from where on its dip is.
HELD_FRAMES = (14, 6)
DIP_BEFORE, DIP_AFTER = 7, 2
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


class Attacks(NamedTuple):
    """Frames in which notes of one pitch may begin, in order."""

    frames: list[int]
    repeats: list[bool]
    """Whether each may also begin a note of the pitch that sounds already, (frames,)."""


def attacks(posteriors: Posteriors, column: int, threshold: float, apart: int, *, strict: bool = True) -> Attacks:
    """The attacks of one pitch, at least `apart` frames from each other.

    Args:
        column: a column of `Posteriors.onset`.
        threshold: least probability of a peak whose level rises by half of `FULL_RISE_DB`.
        strict: a repetition needs more evidence than a first note.
    """
    onset = np.asarray(posteriors.onset[:, column] / PROBABILITY_SCALE, np.float32)
    found = peaks(onset, max(0.05, threshold - RISE_WORTH), max(APART_FRAMES, apart))
    if not found:
        return Attacks([], [])
    at = np.array(found)
    rise = np.clip(rises_db(posteriors, column, at) / FULL_RISE_DB, 0.0, 1.0)
    evidence = onset[at] + 2 * RISE_WORTH * (rise - 0.5)
    at, evidence = at[evidence >= threshold - 1e-6], evidence[evidence >= threshold - 1e-6]
    if not strict:
        return Attacks(at.tolist(), [True] * len(at))
    steadiness = 1 - np.clip(dips_db(posteriors, column, at) / FULL_DIP_DB, 0.0, 1.0)
    return Attacks(at.tolist(), (evidence >= threshold + REPETITION_MORE + NO_DIP_MORE * steadiness).tolist())


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
    envelopes = _envelopes(posteriors, column, at, BEFORE, AFTER)
    return np.asarray(envelopes[:, BEFORE:].max(axis=1) - envelopes[:, : BEFORE + 2].min(axis=1))


def dips_db(posteriors: Posteriors, column: int, at: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
    """How far the level of a pitch falls at each frame below what it held before, in dB; negative where it was lower:
    (frames,)."""
    first, last = HELD_FRAMES
    envelopes = _envelopes(posteriors, column, at, first, DIP_AFTER)
    held = np.median(envelopes[:, : first - last + 1], axis=1)
    return np.asarray(held - envelopes[:, first - DIP_BEFORE :].min(axis=1))


def _envelopes(posteriors: Posteriors, column: int, at: npt.NDArray[np.intp], before: int, after: int) -> Decibels:
    """The level of a pitch around each frame, in dB: (frames, before + 1 + after)."""
    bands = np.array([column + interval if column + interval < PITCHES else -1 for interval in PARTIALS[:4]])
    frames = at[:, np.newaxis] + np.arange(-before, after + 1)
    return envelopes_db(posteriors.level, np.tile(bands, (len(at), 1)), frames)
