"""The notes of a pitched stem while its audio grows: the last seconds are decoded again with each piece."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import msgspec

from bridge.model import Note
from bridge.transcription.pitched.decoder import NO_LEVELS, decoded, may_be_line
from bridge.transcription.pitched.one_line import together
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import Profile
from bridge.transcription.streaming.final_notes import FinalNotes
from bridge.transcription.streaming.foresight import Foresight
from bridge.transcription.streaming.known import known_frames

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StreamedNotes

#: Of what is known, this much before a frame is decoded with it: longer than most notes and phrases.
BEFORE_SECONDS = 5.0
#: What lies this shortly before the end of what is known may still change.
DELAY_SECONDS = 0.6
#: Most that is decoded at once beyond what was decoded before.
STEP_SECONDS = 8.0
#: A stem is played as one line if it is so this clearly (`Together.margin`): a band's first chords may come late.
LINE_MARGIN = 0.3
#: A stem whose chords are this clear after so long is no longer asked: judging all its notes would take ever longer.
CHORDS_MARGIN, CHORDS_SECONDS = -1.0, 30.0
#: Decoding begins at a multiple of this many frames, where the readings of a bass coincide.
GRID = 6


class GrowingPosteriors(Protocol):
    """The posteriors of a stem that grows: `PosteriorsReading` or `BassReading`."""

    audio: Signal

    @property
    def frames(self) -> int: ...

    def advance(self, known: int, control: Control) -> None: ...

    def between(self, start: int, stop: int) -> Posteriors: ...

    def whole(self) -> Posteriors: ...


class PitchedStream:
    """A `NoteStream` over posteriors that grow."""

    def __init__(self, reading: GrowingPosteriors, profile: Profile, control: Control, mix: Signal | None) -> None:
        self._reading, self._control = reading, control
        self._foresight = None if mix is None else Foresight(mix)
        self._notes = FinalNotes()
        self._many = _Voices(profile)
        self._line = _Voices(replace(profile, monophonic=True)) if may_be_line(profile) else None
        self._decoded = 0
        """The frames that have been decoded."""

    def advance(self, known_seconds: float) -> StreamedNotes:
        audio = self._reading.audio
        known = known_frames(audio, known_seconds)
        self._reading.advance(known, self._control)
        rate = self._reading.between(0, 0).frame_rate_hz
        is_whole = known >= audio.frames
        while self._decoded < self._reading.frames:
            self._decoded = min(self._decoded + round(STEP_SECONDS * rate), self._reading.frames)
            is_last = is_whole and self._decoded == self._reading.frames
            # Between two frames, so that rounding moves no onset across it.
            self._decode(rate, (self._decoded - round(DELAY_SECONDS * rate) - 0.5) / rate, is_last=is_last)
        if is_whole:
            self._notes.until_seconds = audio.frames / audio.sample_rate_hz
        return self._notes.take()

    def analysis(self) -> Posteriors:
        return self._reading.whole()

    def _decode(self, rate: float, until_seconds: float, *, is_last: bool) -> None:
        if is_last:
            until_seconds = self._reading.audio.frames / self._reading.audio.sample_rate_hz
        if until_seconds <= self._notes.until_seconds:
            return
        start = max(0, round((self._notes.until_seconds - BEFORE_SECONDS) * rate)) // GRID * GRID
        posteriors = self._reading.between(start, self._decoded)
        louder_db = 0.0 if self._foresight is None or is_last else self._foresight.louder_db(self._decoded / rate)
        notes = self._many.decoded(posteriors, start / rate, louder_db)
        if self._line is not None:
            margin = together(self._many.all_notes).margin
            if margin > LINE_MARGIN:
                notes = self._line.decoded(posteriors, start / rate, louder_db)
            elif margin < CHORDS_MARGIN and until_seconds > CHORDS_SECONDS:
                self._line = None
        self._notes.extend(notes, until_seconds, start / rate)


class _Voices:
    """Decodes parts of a stem that overlap, with the levels of all that came before."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._past: list[Note] = []
        self._past_levels = NO_LEVELS
        self._notes: list[Note] = []
        self._levels = NO_LEVELS

    @property
    def all_notes(self) -> list[Note]:
        return self._past + self._notes

    def decoded(self, posteriors: Posteriors, start_seconds: float, louder_db: float) -> list[Note]:
        """The notes of the posteriors, which start at `start_seconds` of the clip, in the clip's time."""
        self._past += [note for note in self._notes if note.onset_seconds < start_seconds]
        self._past_levels = self._past_levels.joined(self._levels.before(start_seconds))
        notes, levels = decoded(posteriors, self._profile, self._past_levels, louder_db)
        self._notes = [moved(note, start_seconds) for note in notes]
        self._levels = levels.moved(start_seconds)
        return self._notes


def moved(note: Note, by_seconds: float) -> Note:
    """The note, so much later."""
    bends = tuple(msgspec.structs.replace(bend, time_seconds=bend.time_seconds + by_seconds) for bend in note.bends)
    onset, offset = note.onset_seconds + by_seconds, note.offset_seconds + by_seconds
    return msgspec.structs.replace(note, onset_seconds=onset, offset_seconds=offset, bends=bends)
