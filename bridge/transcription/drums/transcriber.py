"""Drum stems: which drums of a kit each stroke is made of, and how loud they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Note
from bridge.transcription.drums.band_spectrogram import Bands, analyse
from bridge.transcription.drums.classifier import OUTPUTS, DrumClassifier
from bridge.transcription.drums.features import hit_features
from bridge.transcription.drums.hit_levels import levels_db, tom_keys
from bridge.transcription.drums.hit_onsets import hit_frames, hit_increments
from bridge.transcription.drums.kit import HAT, KIT, OPEN_HAT, SAMPLE_RATE_HZ, TOM, Drum
from bridge.transcription.velocity import LOUD_PERCENTILE, velocities

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal


class DrumDetector:
    """Hears the strokes of drum stems."""

    name = "drum-onsets"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self._recogniser = DrumClassifier.load()

    def transcribe(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        """The hits of `audio` (1 channel, 44 100 Hz) on the keys of `KIT` and `TOM_KEYS`, by onset, then key."""
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"the drum transcriber takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        notes = drum_notes(analyse(audio, control), self._recogniser)
        control.checkpoint(1.0)
        return notes


def drum_notes(bands: Bands, recogniser: DrumClassifier) -> list[Note]:
    """The notes of a kit by onset, then key; those of one key never overlap."""
    frames = hit_frames(bands)
    if not len(frames):
        return []
    chances = recogniser.chances(hit_features(bands, frames))
    # A rise is steepest half a frame before the frame that has seen all of it.
    onsets = np.maximum(0.0, (frames - 0.5) / bands.frame_rate_hz)
    added = hit_increments(bands, frames)
    notes: list[Note] = []
    for drum, chance in chances_of_hits(chances):
        here = np.flatnonzero(chance)
        if not len(here):
            continue
        levels = levels_db(added[here], drum)
        loud_enough = levels >= np.percentile(levels, LOUD_PERCENTILE) + drum.softest_db
        here, levels = here[loud_enough], levels[loud_enough]
        loudness = velocities(levels)
        keys = tom_keys(added[here]) if drum is TOM else np.full(len(here), drum.key)
        for key in np.unique(keys).tolist():
            of_key = keys == key
            notes += _notes(drum, key, onsets[here[of_key]], loudness[of_key], chance[here[of_key]], bands)
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def chances_of_hits(chances: Doubles) -> Iterator[tuple[Drum, Doubles]]:
    """Each drum with how likely it is in each stroke: (strokes,), 0 where it counts as not struck."""
    columns = dict(zip(OUTPUTS, chances.T, strict=True))
    opened = columns[OPEN_HAT.name] > OPEN_HAT.least_chance
    for drum in KIT:
        # That a hat is open is told of hats.
        chance = columns[HAT.name if drum is OPEN_HAT else drum.name]
        sure = chance > (HAT if drum is OPEN_HAT else drum).least_chance
        if drum in (HAT, OPEN_HAT):
            sure &= opened == (drum is OPEN_HAT)
        yield drum, np.where(sure, chance, 0.0)


def _notes(drum: Drum, key: int, onsets: Doubles, loudness: Doubles, sure: Doubles, bands: Bands) -> Iterator[Note]:
    ends = np.minimum(onsets + drum.length_seconds, np.append(onsets[1:], bands.duration_seconds))
    rows = zip(onsets.tolist(), ends.tolist(), loudness.tolist(), sure.tolist(), strict=True)
    for onset, end, velocity, chance in rows:
        if onset < end:
            yield Note(onset_seconds=onset, offset_seconds=end, pitch=key, velocity=velocity, confidence=chance)
