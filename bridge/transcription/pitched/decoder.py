"""From posteriors to notes: pitch, onset, offset, velocity, bends. Takes milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bridge.dsp.arrays import Decibels, Doubles
from bridge.model import Note
from bridge.transcription.pitched.monophonic import monophonic_segments, one_at_a_time
from bridge.transcription.pitched.note_merging import merged
from bridge.transcription.pitched.note_onsets import with_onsets
from bridge.transcription.pitched.offsets.note_offsets import with_offsets, with_voice_ends
from bridge.transcription.pitched.one_line import together
from bridge.transcription.pitched.partials import own_bands, shares_db
from bridge.transcription.pitched.pitch_bends import bends
from bridge.transcription.pitched.polyphonic import polyphonic_segments
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.pitched.segments import NoteSegment
from bridge.transcription.velocity import loud_db, velocities

#: A note's level is measured in its first 80 ms.
ATTACK_SECONDS = 0.08
#: Notes this far below the stem's loud ones are bleed: the network normalises every two seconds to the same level, and
#: therefore finds notes in the noise of a pause. Notes below the floor are inaudible.
BLEED_DB = 45.0
SILENCE_DB = -90.0


class Levels(NamedTuple):
    """Levels of notes, which tell what is loud in a stem; in dB."""

    seconds: Doubles
    """The onset of each segment, (segments,)."""
    overall: Decibels
    """The level of the stem in its attack, (segments,)."""
    own: Decibels
    """Its own level; NaN where it was not audible, (segments,)."""

    def joined(self, after: Levels) -> Levels:
        return Levels(
            np.append(self.seconds, after.seconds),
            np.append(self.overall, after.overall),
            np.append(self.own, after.own),
        )

    def before(self, seconds: float) -> Levels:
        """Those of the segments that start before."""
        earlier = self.seconds < seconds
        return Levels(self.seconds[earlier], self.overall[earlier], self.own[earlier])

    def outside(self, start_seconds: float, stop_seconds: float) -> Levels:
        """Those of the segments that start before or after a span."""
        others = (self.seconds < start_seconds) | (self.seconds >= stop_seconds)
        return Levels(self.seconds[others], self.overall[others], self.own[others])

    def moved(self, by_seconds: float) -> Levels:
        return self._replace(seconds=self.seconds + by_seconds)


NO_LEVELS = Levels(np.zeros(0), np.zeros(0, np.float32), np.zeros(0, np.float32))


class WholeReading(NamedTuple):
    """The notes of a whole stem, and what was found out about it on the way."""

    notes: list[Note]
    levels: Levels
    profile: Profile
    """The profile that they were read with: it says one line where the notes had no chords."""


def read_whole(posteriors: Posteriors, profile: Profile) -> WholeReading:
    """As `decode_notes`."""
    notes, levels = decoded(posteriors, profile)
    if may_be_line(profile) and together(notes).is_line:
        profile = replace(profile, monophonic=True)
        notes, levels = decoded(posteriors, profile)
    return WholeReading(notes, levels, profile)


def decode_notes(posteriors: Posteriors, profile: Profile) -> list[Note]:
    """The notes of a stem by onset, then pitch; two of one pitch never overlap, none ends after the clip.

    A stem that may be one line is read with many voices first, and again if it has no chords.
    """
    return read_whole(posteriors, profile).notes


def line_margin(posteriors: Posteriors, profile: Profile) -> float | None:
    """`Together.margin` of the stem; None where the profile does not ask."""
    return together(decoded(posteriors, profile)[0]).margin if may_be_line(profile) else None


def may_be_line(profile: Profile) -> bool:
    """Whether the notes tell how many voices there are."""
    return profile.may_be_line and not profile.monophonic


def decoded(
    posteriors: Posteriors, profile: Profile, before: Levels = NO_LEVELS, louder_db: float = 0.0
) -> tuple[list[Note], Levels]:
    """The notes by onset, then pitch, read as the profile says; and their levels.

    Args:
        before: of notes before these posteriors, which also tell what is loud.
        louder_db: how much louder the loud notes after them are expected to be.
    """
    if profile.monophonic:
        segments = one_at_a_time(merged(posteriors, monophonic_segments(posteriors, profile)))
    else:
        segments = merged(posteriors, polyphonic_segments(posteriors, profile))
    bands = own_bands(segments, posteriors.frames)
    segments = with_onsets(posteriors, segments, bands, _earliest_starts(segments, profile.monophonic))
    attack_frames = max(1, round(ATTACK_SECONDS * posteriors.frame_rate_hz))
    overall = _attack_levels_db(posteriors, segments, attack_frames)
    every = segments
    audible = _audible(overall, before.overall, louder_db)
    segments = [segment for segment, loud in zip(segments, audible.tolist(), strict=True) if loud]
    bands = bands[audible]
    levels = overall[audible] + shares_db(posteriors, segments, bands, attack_frames)
    own = np.full(len(overall), np.nan, np.float32)
    own[audible] = levels
    starts = np.array([segment.start for segment in every], np.float64) / posteriors.frame_rate_hz
    released = with_offsets(posteriors, segments, bands)
    segments = with_voice_ends(segments, released, posteriors.frame_rate_hz) if profile.rings else released
    notes = []
    for segment, velocity in zip(
        segments, velocities(levels, before.own[~np.isnan(before.own)], louder_db).tolist(), strict=True
    ):
        onset = segment.start / posteriors.frame_rate_hz
        offset = min(segment.stop / posteriors.frame_rate_hz, posteriors.duration_seconds)
        notes.append(
            Note(
                onset_seconds=onset,
                offset_seconds=offset,
                pitch=segment.pitch,
                velocity=velocity,
                confidence=min(max(segment.confidence, 0.0), 1.0),
                bends=bends(posteriors, segment, onset, offset),
            )
        )
    return sorted(notes, key=lambda note: (note.onset_seconds, note.pitch)), Levels(starts, overall, own)


def _earliest_starts(segments: list[NoteSegment], monophonic: bool) -> list[int]:
    """The first frame at which each segment may start: where the one before it ends, of its pitch or of the line."""
    ended: dict[int, int] = {}
    earliest = []
    for segment in segments:
        line = 0 if monophonic else segment.pitch
        earliest.append(ended.get(line, 0))
        ended[line] = segment.stop
    return earliest


def _attack_levels_db(posteriors: Posteriors, segments: list[NoteSegment], attack_frames: int) -> Decibels:
    """The level of the stem during each segment's attack, in dB: (segments,)."""
    if not segments:
        return np.zeros(0, np.float32)
    starts = np.array([segment.start for segment in segments])[:, np.newaxis]
    power = posteriors.power[np.minimum(starts + np.arange(attack_frames), posteriors.frames - 1)].max(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-20)), np.float32)


def _audible(overall: Decibels, before: Decibels, louder_db: float) -> npt.NDArray[np.bool_]:
    """Which levels are neither bleed nor silence: (segments,)."""
    if not len(overall):
        return np.zeros(0, np.bool_)
    return np.asarray(overall > max(SILENCE_DB, loud_db(overall, before, louder_db) - BLEED_DB))
