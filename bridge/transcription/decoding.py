"""From posteriors to notes: what sounds, when, how loud, how its pitch moves. Takes ms: redo it freely."""

from __future__ import annotations

import numpy as np

from bridge.model import Note
from bridge.transcription.bends import bends
from bridge.transcription.loudness import FLOOR_DB, levels_db, velocities
from bridge.transcription.melody import melody
from bridge.transcription.polyphony import polyphony
from bridge.transcription.posteriors import Posteriors
from bridge.transcription.profiles import Profile
from bridge.transcription.spans import Span

#: The loudness of a note is that of its first 80 ms.
ATTACK_SECONDS = 0.08
#: Notes so far below the stem's loud ones are bleed: the network scales every two seconds up to the same level, and
#: so finds notes in the noise of a pause.
BLEED_DB = 45.0


def decode(posteriors: Posteriors, profile: Profile) -> list[Note]:
    """The notes of a stem by onset, then pitch; two of the same pitch never overlap, none outlasts the clip."""
    line = melody if profile.monophonic else polyphony
    spans, levels = _audible(posteriors, line(posteriors, profile))
    notes = []
    for span, velocity in zip(spans, velocities(levels).tolist(), strict=True):
        onset = span.start / posteriors.frame_rate_hz
        offset = min(span.stop / posteriors.frame_rate_hz, posteriors.duration_seconds)
        notes.append(
            Note(
                onset_seconds=onset,
                offset_seconds=offset,
                pitch=span.pitch,
                velocity=velocity,
                confidence=min(max(span.confidence, 0.0), 1.0),
                bends=bends(posteriors, span, onset, offset) if profile.bends else (),
            )
        )
    return notes


def _audible(
    posteriors: Posteriors, spans: list[Span]
) -> tuple[list[Span], np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """The spans that are loud enough to be the stem's own, and the level of each in dB."""
    onsets = np.array([span.start for span in spans], np.intp)
    levels = levels_db(posteriors.power, onsets, max(1, round(ATTACK_SECONDS * posteriors.frame_rate_hz)))
    if not len(levels):
        return [], levels
    heard = levels > max(FLOOR_DB, np.percentile(levels, 90) - BLEED_DB)
    return [span for span, kept in zip(spans, heard.tolist(), strict=True) if kept], levels[heard]
