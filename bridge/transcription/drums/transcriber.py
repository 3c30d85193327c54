"""Drum stems: detects hits, names the drums in each, and measures their levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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


#: A stem has a kit if this share of its hits have a drum's name, or this many of them within this time. Of a recorded
#: kit a third or more have one; but where it plays for a short while only, or beside a bass, as few as of a singer,
#: whose consonants are like hats. Then they are dense: 11 or more in 10 s, a singer's at most 5.
MIN_NAMED_SHARE, MIN_DENSE_HITS, DENSE_SECONDS = 0.3, 10, 10.0


class DrumDetector:
    """Finds the hits of drum stems."""

    name = "drum-onsets"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self.classifier = DrumClassifier.load()

    def transcribe(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        """The hits of `audio` (1 channel, 44 100 Hz) on the keys of `KIT` and `TOM_KEYS`, by onset, then key.

        There are none where there is no kit, as in a singer or a piano alone.
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
    named = [*hit_probabilities(classifier.probabilities(hit_features(spectrogram, frames)))]
    is_named = np.any([probability > 0 for _, probability in named], axis=0)
    if not has_kit(is_named, frames / spectrogram.frame_rate_hz):
        return []
    # A rise is steepest half a frame before the frame that contains all of it.
    onsets = np.maximum(0.0, (frames - 0.5) / spectrogram.frame_rate_hz)
    increments = hit_increments(spectrogram, frames)
    notes: list[Note] = []
    for drum, probability in named:
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


def has_kit(is_named: npt.NDArray[np.bool_], seconds: Doubles) -> bool:
    """Whether a stem has a kit, by which of its hits (hits,) sound like a drum, and when they are, in order."""
    if is_named.mean() >= MIN_NAMED_SHARE:
        return True
    times = seconds[is_named]
    last = MIN_DENSE_HITS - 1
    return bool((times[last:] - times[: len(times) - last] <= DENSE_SECONDS).any()) if len(times) > last else False


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
