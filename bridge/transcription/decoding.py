"""From posteriors to notes: what sounds, when, how loud, how its pitch moves. Takes ms: redo it freely."""

from __future__ import annotations

import numpy as np

from bridge.model import Note
from bridge.transcription.attacks import begun
from bridge.transcription.bends import bends
from bridge.transcription.glides import joined
from bridge.transcription.loudness import velocities
from bridge.transcription.melody import melody
from bridge.transcription.partials import Decibels, shares_db
from bridge.transcription.polyphony import polyphony
from bridge.transcription.posteriors import Posteriors
from bridge.transcription.profiles import Profile
from bridge.transcription.releases import released
from bridge.transcription.spans import Span

#: The loudness of a note is that of its first 80 ms.
ATTACK_SECONDS = 0.08
#: Notes so far below the stem's loud ones are bleed: the network scales every two seconds up to the same level, and
#: so finds notes in the noise of a pause. Nothing below the floor is heard as a note.
BLEED_DB = 45.0
SILENCE_DB = -90.0


def decode(posteriors: Posteriors, profile: Profile) -> list[Note]:
    """The notes of a stem by onset, then pitch; two of the same pitch never overlap, none outlasts the clip."""
    line = melody if profile.monophonic else polyphony
    spans = joined(posteriors, line(posteriors, profile))
    spans = begun(posteriors, spans, _free(spans, profile.monophonic))
    spans, levels = _audible(posteriors, spans)
    spans = released(posteriors, spans)
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


def _free(spans: list[Span], monophonic: bool) -> list[int]:
    """The frame from which each span may begin: where the one of its pitch before it ends, or any in a single line."""
    ended: dict[int, int] = {}
    free = []
    for span in spans:
        line = 0 if monophonic else span.pitch
        free.append(ended.get(line, 0))
        ended[line] = span.stop
    return free


def _audible(posteriors: Posteriors, spans: list[Span]) -> tuple[list[Span], Decibels]:
    """The spans that are loud enough to be the stem's own, and the level at which each is struck, in dB."""
    if not spans:
        return [], np.zeros(0, np.float32)
    starts = np.array([span.start for span in spans])[:, np.newaxis]
    attack = np.arange(max(1, round(ATTACK_SECONDS * posteriors.frame_rate_hz)))
    power = posteriors.power[np.minimum(starts + attack, posteriors.frames - 1)].max(axis=1)
    overall = 10 * np.log10(np.maximum(power, 1e-20))
    heard = overall > max(SILENCE_DB, float(np.percentile(overall, 90)) - BLEED_DB)
    kept = [span for span, loud in zip(spans, heard.tolist(), strict=True) if loud]
    return kept, overall[heard] + shares_db(posteriors, kept, len(attack))
