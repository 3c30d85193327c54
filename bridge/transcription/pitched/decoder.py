"""From posteriors to notes: what sounds, when, how loud, how its pitch moves. Takes ms: redo it freely."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels
from bridge.model import Note
from bridge.transcription.pitched.monophonic import monophonic_segments, one_at_a_time
from bridge.transcription.pitched.note_merging import merged
from bridge.transcription.pitched.note_offsets import with_offsets
from bridge.transcription.pitched.note_onsets import with_onsets
from bridge.transcription.pitched.partials import own_bands, shares_db
from bridge.transcription.pitched.pitch_bends import bends
from bridge.transcription.pitched.polyphonic import polyphonic_segments
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment
from bridge.transcription.velocity import velocities

#: The loudness of a note is that of its first 80 ms.
ATTACK_SECONDS = 0.08
#: Notes so far below the stem's loud ones are bleed: the network scales every two seconds up to the same level, and
#: so finds notes in the noise of a pause. Nothing below the floor is heard as a note.
BLEED_DB = 45.0
SILENCE_DB = -90.0


def decode_notes(posteriors: Posteriors, profile: Profile) -> list[Note]:
    """The notes of a stem by onset, then pitch; two of the same pitch never overlap, none outlasts the clip."""
    if profile.monophonic:
        spans = one_at_a_time(merged(posteriors, monophonic_segments(posteriors, profile)))
    else:
        spans = merged(posteriors, polyphonic_segments(posteriors, profile))
    bands = own_bands(spans, posteriors.frames)
    spans = with_onsets(posteriors, spans, bands, _free(spans, profile.monophonic))
    attack_frames = max(1, round(ATTACK_SECONDS * posteriors.frame_rate_hz))
    overall = _struck_db(posteriors, spans, attack_frames)
    heard = _audible(overall)
    spans = [span for span, loud in zip(spans, heard.tolist(), strict=True) if loud]
    bands = bands[heard]
    levels = overall[heard] + shares_db(posteriors, spans, bands, attack_frames)
    spans = with_offsets(posteriors, spans, bands)
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
                bends=bends(posteriors, span, onset, offset),
            )
        )
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch))


def _free(spans: list[NoteSegment], monophonic: bool) -> list[int]:
    """The frame from which each span may begin: where the one of its pitch before it ends, or any in a single line."""
    ended: dict[int, int] = {}
    free = []
    for span in spans:
        line = 0 if monophonic else span.pitch
        free.append(ended.get(line, 0))
        ended[line] = span.stop
    return free


def _struck_db(posteriors: Posteriors, spans: list[NoteSegment], attack_frames: int) -> Decibels:
    """Level of the stem where each span is struck: (spans,)."""
    if not spans:
        return np.zeros(0, np.float32)
    starts = np.array([span.start for span in spans])[:, np.newaxis]
    power = posteriors.power[np.minimum(starts + np.arange(attack_frames), posteriors.frames - 1)].max(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-20)), np.float32)


def _audible(overall: Decibels) -> npt.NDArray[np.bool_]:
    """Which levels are loud enough to be the stem's own."""
    if not len(overall):
        return np.zeros(0, np.bool_)
    return np.asarray(overall > max(SILENCE_DB, float(np.percentile(overall, 90)) - BLEED_DB))
