"""The notes that a worker has derived last: a repeated job derives none anew."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, TypeAlias

from bridge.model import Note
from bridge.request import NoteSettings

#: The largest number of notes in memory, over all jobs.
MAX_NOTES = 20_000
#: The cache key of an analysis, and the settings that the notes were derived with.
NotesKey: TypeAlias = tuple[str, NoteSettings]


class StemReading(NamedTuple):
    """The notes of a stem, and `Transcriber.line_margin`."""

    notes: tuple[Note, ...]
    line_margin: float | None = None


class RecentNotes:
    """Notes by analysis and settings; the least recently used are forgotten first."""

    def __init__(self) -> None:
        self._notes: OrderedDict[NotesKey, StemReading] = OrderedDict()

    def get(self, key: NotesKey) -> StemReading | None:
        """The notes of that analysis with those settings; None if they are not in memory."""
        if key not in self._notes:
            return None
        self._notes.move_to_end(key)
        return self._notes[key]

    def put(self, key: NotesKey, reading: StemReading) -> None:
        """Remembers notes, and forgets older ones beyond `MAX_NOTES`."""
        self._notes[key] = reading
        self._notes.move_to_end(key)
        while sum(len(reading.notes) for reading in self._notes.values()) > MAX_NOTES:
            self._notes.popitem(last=False)
