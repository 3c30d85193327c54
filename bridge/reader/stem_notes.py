"""The notes of one stem from its kept analysis: all of them, or soon those of a span."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import Any

import msgspec

from bridge.model import Note
from bridge.protocols import Transcriber
from bridge.request import NoteSettings
from bridge.transcription.pitched.decoder import Levels, decoded, may_be_line
from bridge.transcription.pitched.one_line import together
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import profile_for

#: What is read around a span, so that a note at its edge is the one that the whole has.
CONTEXT_SECONDS = 2.0
#: Whole readings that are kept: those between which a slider moves back and forth.
KEPT_READINGS = 8


class StemNotes:
    """Derives notes from the analysis of one stem, and keeps the last ones."""

    def __init__(self, transcriber: Transcriber[Any], analysis: Any, stem: str) -> None:
        self._transcriber = transcriber
        self._analysis = analysis
        self._stem = stem
        self._whole: OrderedDict[NoteSettings, list[Note]] = OrderedDict()
        self._levels: Levels | None = None
        self._is_line = False

    def whole(self, settings: NoteSettings) -> list[Note]:
        """All notes with these settings, as a job has them. Raises BadArguments: the settings leave no pitch."""
        if settings not in self._whole:
            self._whole[settings] = self._transcriber.notes(self._analysis, self._stem, settings)
            while len(self._whole) > KEPT_READINGS:
                self._whole.popitem(last=False)
        self._whole.move_to_end(settings)
        return self._whole[settings]

    def between(self, settings: NoteSettings, start_seconds: float, end_seconds: float) -> list[Note]:
        """The notes that sound in a span.

        Where the whole is not read with these settings, those of the span alone are read: what is loud in the stem,
        and whether it is one line, is taken from the first reading of the whole.
        """
        if settings in self._whole or not isinstance(self._analysis, Posteriors):
            notes = self.whole(settings)
        else:
            notes = self._excerpt(self._analysis, settings, start_seconds, end_seconds)
        return [note for note in notes if note.onset_seconds < end_seconds and note.offset_seconds > start_seconds]

    def _excerpt(self, whole: Posteriors, settings: NoteSettings, start: float, end: float) -> list[Note]:
        profile = profile_for(self._stem, settings)
        if self._levels is None:
            notes, self._levels = decoded(whole, profile_for(self._stem, NoteSettings()))
            self._is_line = together(notes).is_line
        if may_be_line(profile) and self._is_line:
            profile = replace(profile, monophonic=True)
        rate = whole.frame_rate_hz
        first = max(0, int((start - CONTEXT_SECONDS) * rate))
        last = min(whole.frames, int((end + CONTEXT_SECONDS) * rate) + 1)
        if last <= first:
            return []
        part = replace(
            whole,
            **{name: getattr(whole, name)[first:last] for name in ("note", "onset", "contour", "level", "power")},
            duration_seconds=min(whole.duration_seconds - first / rate, (last - first) / rate),
        )
        notes, _ = decoded(part, profile, self._levels)
        return [_moved(note, first / rate) for note in notes]


def _moved(note: Note, seconds: float) -> Note:
    return msgspec.structs.replace(
        note,
        onset_seconds=note.onset_seconds + seconds,
        offset_seconds=note.offset_seconds + seconds,
        bends=tuple(msgspec.structs.replace(bend, time_seconds=bend.time_seconds + seconds) for bend in note.bends),
    )
