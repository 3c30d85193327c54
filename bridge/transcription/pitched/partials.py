"""Note envelopes, measured on those partials that no other sounding note shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Bytes, Decibels
from bridge.transcription.pitched.posteriors import FLOOR_DB, LOWEST_PITCH, PITCHES, STEPS_PER_DECIBEL, Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: The columns of `Posteriors.level` that hold each note's own partials: (notes, 6), -1 for none.
PartialBands: TypeAlias = npt.NDArray[np.intp]

#: The first six partials of a harmonic tone, in semitones above the first.
PARTIALS = (0, 12, 19, 24, 28, 31)
#: Power of each step of `Posteriors.level`; the extra last entry is 0.
POWER = np.append(10 ** ((np.arange(256) / STEPS_PER_DECIBEL + FLOOR_DB) / 10), 0.0).astype(np.float32)


def own_bands(segments: Sequence[NoteSegment], frames: int) -> PartialBands:
    """The columns of each segment's own partials: (segments, 6), -1 for a partial that is not used.

    A partial is not used if it lies above the highest semitone, or within a semitone of a partial of another note that
    sounds at the same time. If every partial is shared, all are used.
    """
    claims = np.zeros((frames + 1, PITCHES), np.int8)  # no more than 88 notes sound at once
    for segment in segments:
        around = _around(segment.pitch)
        claims[segment.start, around] += 1
        claims[segment.stop, around] -= 1
    np.cumsum(claims, axis=0, dtype=np.int8, out=claims)
    own = np.full((len(segments), len(PARTIALS)), -1, np.intp)
    for row, segment in zip(own, segments, strict=True):
        bands = _bands(segment.pitch)
        alone = (claims[segment.start : segment.stop, bands] <= 1).all(axis=0)
        row[: len(bands)] = np.where(alone, bands, -1) if alone.any() else bands
    return own


def envelopes_db(level: Bytes, bands: PartialBands, frames: npt.NDArray[np.intp]) -> Decibels:
    """The level of each note over time, in dB: (notes, times).

    Args:
        level: `Posteriors.level`, (frames, 88).
        bands: each note's own partials, (notes, partials).
        frames: the frames to measure, (notes, times); outside the clip is silence.
    """
    inside = (frames >= 0) & (frames < len(level))
    clamped = np.clip(frames, 0, len(level) - 1)
    power = np.full(frames.shape, POWER[0])
    for partial in range(bands.shape[1]):
        column = bands[:, partial, np.newaxis]
        step = np.where(inside & (column >= 0), level[clamped, np.maximum(column, 0)], len(POWER) - 1)
        power += POWER[step]
    return np.asarray(10 * np.log10(power), np.float32)


def shares_db(
    posteriors: Posteriors, segments: Sequence[NoteSegment], bands: PartialBands, attack_frames: int
) -> Decibels:
    """Each note's share of the stem's power during its attack, in dB, 0 where it sounds alone: (segments,).

    Sounding notes share the power in proportion to that of their partials. The share is taken at the loudest of a
    note's first `attack_frames`.
    """
    if not segments:
        return np.zeros(0, np.float32)
    together = np.full(posteriors.frames, POWER[0], np.float64)
    for row, segment in zip(bands, segments, strict=True):
        own = row[row >= 0]
        together[segment.start : segment.stop] += POWER[posteriors.level[segment.start : segment.stop, own]].sum(axis=1)
    starts = np.array([segment.start for segment in segments], np.intp)
    frames = np.minimum(starts[:, np.newaxis] + np.arange(attack_frames), posteriors.frames - 1)
    envelopes = envelopes_db(posteriors.level, bands, frames)
    share = np.where(
        np.arange(attack_frames) < np.array([segment.stop - segment.start for segment in segments])[:, np.newaxis],
        envelopes - 10 * np.log10(together[frames]),
        -np.inf,
    )
    rows, loudest = np.arange(len(segments)), envelopes.argmax(axis=1)
    at_loudest = share[rows, loudest]
    return np.asarray(np.where(np.isfinite(at_loudest), at_loudest, share.max(axis=1)), np.float32)


@cache
def _around(pitch: int) -> npt.NDArray[np.intp]:
    return np.unique(np.clip((_bands(pitch)[:, np.newaxis] + (-1, 0, 1)).ravel(), 0, PITCHES - 1))


@cache
def _bands(pitch: int) -> npt.NDArray[np.intp]:
    bands = np.array(PARTIALS, np.intp) + (pitch - LOWEST_PITCH)
    return bands[bands < PITCHES]
