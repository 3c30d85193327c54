"""The notes of one stem from its kept analysis: all of them, or soon those of a span."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

from bridge.model import Note
from bridge.protocols import Transcriber
from bridge.request import NoteSettings
from bridge.transcription.pitched.decoder import WholeReading, decoded, may_be_line, read_whole
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import profile_for
from bridge.transcription.streaming.pitched_stream import GRID, moved

#: What is read around a span, so that a note at its edge is the one that the whole has.
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 0.6
#: Whole readings that are kept: those between which a slider moves back and forth.
KEPT_READINGS = 8


class StemNotes:
    """Derives notes from the analysis of one stem, and keeps the last ones."""

    def __init__(self, transcriber: Transcriber[Any], analysis: Any, stem: str) -> None:
        self._transcriber = transcriber
        self._analysis = analysis
        self._stem = stem
        self._whole: OrderedDict[NoteSettings, list[Note]] = OrderedDict()
        self._last: WholeReading | None = None
        """Of a stem with posteriors, the last reading of the whole."""

    def whole(self, settings: NoteSettings) -> list[Note]:
        """All notes with these settings, as a job has them. Raises BadArguments: the settings leave no pitch."""
        if settings not in self._whole:
            self._whole[settings] = self._read(settings)
            while len(self._whole) > KEPT_READINGS:
                self._whole.popitem(last=False)
        self._whole.move_to_end(settings)
        return self._whole[settings]

    def between(self, settings: NoteSettings, start_seconds: float, end_seconds: float) -> list[Note]:
        """The notes that sound in a span.

        Where the whole is not read with these settings, those of the span alone are read: what is loud in the stem,
        and whether it is one line, is taken from the last reading of the whole.
        """
        if settings in self._whole or not isinstance(self._analysis, Posteriors):
            notes = self.whole(settings)
        else:
            notes = self._excerpt(self._analysis, settings, start_seconds, end_seconds)
        return [note for note in notes if note.onset_seconds < end_seconds and note.offset_seconds > start_seconds]

    def _read(self, settings: NoteSettings) -> list[Note]:
        if not isinstance(self._analysis, Posteriors):
            return self._transcriber.notes(self._analysis, self._stem, settings)
        self._last = read_whole(self._analysis, profile_for(self._stem, settings))
        return self._last.notes

    def _excerpt(self, whole: Posteriors, settings: NoteSettings, start: float, end: float) -> list[Note]:
        if self._last is None:
            return self.whole(settings)
        profile, rate = profile_for(self._stem, settings), whole.frame_rate_hz
        if may_be_line(profile):
            profile = replace(profile, monophonic=self._last.profile.monophonic)
        first = max(0, round((start - BEFORE_SECONDS) * rate)) // GRID * GRID
        last = min(max(first, round((end + AFTER_SECONDS) * rate)), whole.frames)
        others = self._last.levels.outside(first / rate, last / rate)
        notes, _ = decoded(whole.between(first, last), profile, others)
        return [moved(note, first / rate) for note in notes]
