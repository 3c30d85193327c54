"""How loud a note is over time, heard through those of its partials that no other note of the moment shares."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Bytes, Decibels
from bridge.transcription.pitched.posteriors import FLOOR_DB, LOWEST_PITCH, PITCHES, STEPS_PER_DECIBEL, Posteriors
from bridge.transcription.pitched.segments import NoteSegment

#: Columns of `Posteriors.level` by which notes are heard: (notes, 6), -1 for none.
Bands: TypeAlias = npt.NDArray[np.intp]

#: The first six partials of a harmonic tone, in semitones above the first.
PARTIALS = (0, 12, 19, 24, 28, 31)
#: Power of each step of level; the last place stands for nothing at all.
POWER = np.append(10 ** ((np.arange(256) / STEPS_PER_DECIBEL + FLOOR_DB) / 10), 0.0).astype(np.float32)


def own_bands(spans: Sequence[NoteSegment], frames: int) -> Bands:
    """By which semitones each span is heard: (spans, 6), -1 where a partial tells nothing.

    A partial tells nothing where it lies above the highest semitone, or within a semitone of a partial of another note
    that sounds with the span. Where every partial is shared, all count.
    """
    claims = np.zeros((frames + 1, PITCHES), np.int8)  # no more than 88 notes sound at once
    for span in spans:
        around = _around(span.pitch)
        claims[span.start, around] += 1
        claims[span.stop, around] -= 1
    np.cumsum(claims, axis=0, dtype=np.int8, out=claims)
    own = np.full((len(spans), len(PARTIALS)), -1, np.intp)
    for row, span in zip(own, spans, strict=True):
        bands = _bands(span.pitch)
        alone = (claims[span.start : span.stop, bands] <= 1).all(axis=0)
        row[: len(bands)] = np.where(alone, bands, -1) if alone.any() else bands
    return own


def envelopes_db(level: Bytes, bands: Bands, frames: npt.NDArray[np.intp]) -> Decibels:
    """Level of each note over time, in dB: (notes, times).

    Args:
        level: `Posteriors.level`, (frames, 88).
        bands: (notes, partials).
        frames: the frames to look at, (notes, times); outside the clip lies silence.
    """
    inside = (frames >= 0) & (frames < len(level))
    held = np.clip(frames, 0, len(level) - 1)
    power = np.full(frames.shape, POWER[0])
    for partial in range(bands.shape[1]):
        column = bands[:, partial, np.newaxis]
        step = np.where(inside & (column >= 0), level[held, np.maximum(column, 0)], len(POWER) - 1)
        power += POWER[step]
    return np.asarray(10 * np.log10(power), np.float32)


def shares_db(posteriors: Posteriors, spans: Sequence[NoteSegment], bands: Bands, attack_frames: int) -> Decibels:
    """How much of the stem's power is each note's own when it is struck, in dB, 0 where it sounds alone: (spans,).

    All notes that sound share the power as their partials are to each other; a note is judged at the loudest of its
    first `attack_frames`.
    """
    if not spans:
        return np.zeros(0, np.float32)
    together = np.full(posteriors.frames, POWER[0], np.float64)
    for row, span in zip(bands, spans, strict=True):
        own = row[row >= 0]
        together[span.start : span.stop] += POWER[posteriors.level[span.start : span.stop, own]].sum(axis=1)
    starts = np.array([span.start for span in spans], np.intp)
    frames = np.minimum(starts[:, np.newaxis] + np.arange(attack_frames), posteriors.frames - 1)
    courses = envelopes_db(posteriors.level, bands, frames)
    share = np.where(
        np.arange(attack_frames) < np.array([span.stop - span.start for span in spans])[:, np.newaxis],
        courses - 10 * np.log10(together[frames]),
        -np.inf,
    )
    rows, loudest = np.arange(len(spans)), courses.argmax(axis=1)
    at_loudest = share[rows, loudest]
    return np.asarray(np.where(np.isfinite(at_loudest), at_loudest, share.max(axis=1)), np.float32)


@cache
def _around(pitch: int) -> npt.NDArray[np.intp]:
    return np.unique(np.clip((_bands(pitch)[:, np.newaxis] + (-1, 0, 1)).ravel(), 0, PITCHES - 1))


@cache
def _bands(pitch: int) -> npt.NDArray[np.intp]:
    bands = np.array(PARTIALS, np.intp) + (pitch - LOWEST_PITCH)
    return bands[bands < PITCHES]
