"""Drum stems: detects hits, names the drums in each, and measures their levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Doubles
from bridge.model import Note
from bridge.transcription.drums.band_spectrogram import BandSpectrogram, band_spectrogram
from bridge.transcription.drums.classifier import DrumClassifier
from bridge.transcription.drums.features import hit_features
from bridge.transcription.drums.hit_levels import levels_db, tom_keys
from bridge.transcription.drums.hit_onsets import hit_frames, hit_increments
from bridge.transcription.drums.kit import HAT, KIT, OPEN_HAT, SAMPLE_RATE_HZ, TOM, Drum
from bridge.transcription.drums.layout import OUTPUTS
from bridge.transcription.velocity import LOUD_PERCENTILE, velocities

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal


#: Of the hits of a recorded kit at least a third have a drum's name, of a voice's, whose consonants are like hats, at
#: most 0.17, of other instruments' hardly any. Beside a bass a ride may have as few, but 140 a minute, a voice 35.
MIN_NAMED_SHARE, MIN_NAMED_A_MINUTE = 0.2, 50


class DrumDetector:
    """Finds the hits of drum stems."""

    name = "drum-onsets"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self.classifier = DrumClassifier.load()

    def transcribe(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        """The hits of `audio` (1 channel, 44 100 Hz) on the keys of `KIT` and `TOM_KEYS`, by onset, then key.

        There are none where there is no kit, as in a voice or a piano by itself.
        """
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"the drum transcriber takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        notes = drum_notes(band_spectrogram(audio, control), self.classifier)
        control.checkpoint(1.0)
        return notes


def drum_notes(spectrogram: BandSpectrogram, classifier: DrumClassifier) -> list[Note]:
    """The notes of a kit by onset, then key; notes of one key never overlap."""
    frames = hit_frames(spectrogram)
    if not len(frames):
        return []
    probabilities = classifier.probabilities(hit_features(spectrogram, frames))
    if not has_kit(probabilities, spectrogram.duration_seconds):
        return []
    # A rise is steepest half a frame before the frame that contains all of it.
    onsets = np.maximum(0.0, (frames - 0.5) / spectrogram.frame_rate_hz)
    increments = hit_increments(spectrogram, frames)
    notes: list[Note] = []
    for drum, probability in hit_probabilities(probabilities):
        hits = np.flatnonzero(probability)
        if not len(hits):
            continue
        levels = levels_db(increments[hits], drum)
        loud_enough = levels >= np.percentile(levels, LOUD_PERCENTILE) + drum.floor_db
        hits, levels = hits[loud_enough], levels[loud_enough]
        hit_velocities = velocities(levels)
        keys = tom_keys(increments[hits]) if drum is TOM else np.full(len(hits), drum.key)
        for key in np.unique(keys).tolist():
            of_key = keys == key
            confidences = probability[hits[of_key]]
            notes += _notes(drum, key, onsets[hits[of_key]], hit_velocities[of_key], confidences, spectrogram)
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def has_kit(probabilities: Doubles, seconds: float) -> bool:
    """Whether enough of the hits (hits, outputs) of a stem of this length are named for it to have a kit."""
    named = np.zeros(len(probabilities), np.bool_)
    for _, probability in hit_probabilities(probabilities):
        named |= probability > 0
    count = int(np.count_nonzero(named))
    return count >= MIN_NAMED_SHARE * len(named) or count * 60 >= MIN_NAMED_A_MINUTE * seconds


def hit_probabilities(probabilities: Doubles) -> Iterator[tuple[Drum, Doubles]]:
    """Each drum with its probability in each hit: (hits,), 0 where it is below the drum's threshold."""
    columns = dict(zip(OUTPUTS, probabilities.T, strict=True))
    is_open = columns[OPEN_HAT.name] > OPEN_HAT.threshold
    for drum in KIT:
        # An open hat needs a hat to be detected; the output "open hat" only tells the two apart.
        probability = columns[HAT.name if drum is OPEN_HAT else drum.name]
        detected = probability > (HAT if drum is OPEN_HAT else drum).threshold
        if drum in (HAT, OPEN_HAT):
            detected &= is_open == (drum is OPEN_HAT)
        yield drum, np.where(detected, probability, 0.0)


def _notes(
    drum: Drum, key: int, onsets: Doubles, loudness: Doubles, confidences: Doubles, spectrogram: BandSpectrogram
) -> Iterator[Note]:
    ends = np.minimum(onsets + drum.length_seconds, np.append(onsets[1:], spectrogram.duration_seconds))
    rows = zip(onsets.tolist(), ends.tolist(), loudness.tolist(), confidences.tolist(), strict=True)
    for onset, end, velocity, confidence in rows:
        if onset < end:
            yield Note(onset_seconds=onset, offset_seconds=end, pitch=key, velocity=velocity, confidence=confidence)
