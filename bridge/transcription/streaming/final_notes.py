"""What has been given out of a stem: the notes that can no longer change, and how those that still sound go on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bridge.model import Note
from bridge.protocols import StreamedNotes

#: A note that is decoded again is the same one if it begins within this time of it, or overlaps it across a cut.
SAME_SECONDS = 0.06


class FinalNotes:
    """Grows by what is decoded again and again; what was given out never changes."""

    def __init__(self) -> None:
        self.until_seconds = 0.0
        self._taken_seconds = 0.0
        self._notes: list[Note] = []
        """Those that end at `_taken_seconds` or later, by onset."""

    def extend(self, decoded: Sequence[Note], until_seconds: float, cut_seconds: float = 0.0) -> None:
        """Adds the decoded notes that start before `until_seconds`; those that started before go on as decoded now.

        Args:
            decoded: by onset, of all that starts at `cut_seconds` or later; what sounds there seems to start there.
        """
        used: set[int] = set()
        grown = [self._continued(note, decoded, used, cut_seconds) for note in self._notes]
        sounding = {note.pitch: index for index, note in enumerate(grown) if note.offset_seconds > self.until_seconds}
        for index, note in enumerate(decoded):
            if index in used or not self.until_seconds <= note.onset_seconds < until_seconds:
                continue
            before = sounding.get(note.pitch)
            if before is not None and grown[before].offset_seconds > note.onset_seconds:
                grown[before] = _cut(grown[before], note.onset_seconds)
            sounding[note.pitch] = len(grown)
            grown.append(note)
        self._notes = grown
        self.until_seconds = until_seconds

    def take(self) -> StreamedNotes:
        """What is final since the call before, see `StreamedNotes`."""
        notes = sorted(self._notes, key=lambda note: (note.onset_seconds, note.pitch))
        self._taken_seconds = self.until_seconds
        self._notes = [note for note in notes if note.offset_seconds >= self.until_seconds]
        return StreamedNotes(notes, self.until_seconds)

    def _continued(self, note: Note, decoded: Sequence[Note], used: set[int], cut_seconds: float) -> Note:
        """The note with its end and later bends as decoded now; it ends here where it is not found again."""
        if note.offset_seconds < self.until_seconds:
            return note
        for index, other in enumerate(decoded):
            is_same = abs(other.onset_seconds - note.onset_seconds) <= SAME_SECONDS or (
                note.onset_seconds < cut_seconds and other.onset_seconds <= cut_seconds + SAME_SECONDS
            )
            if other.pitch == note.pitch and is_same and index not in used:
                used.add(index)
                bends = tuple(bend for bend in note.bends if bend.time_seconds < self.until_seconds)
                bends += tuple(bend for bend in other.bends if bend.time_seconds >= self.until_seconds)
                ends = max(other.offset_seconds, self.until_seconds)
                return msgspec.structs.replace(note, offset_seconds=ends, bends=bends)
        return _cut(note, max(self.until_seconds, note.onset_seconds))


def _cut(note: Note, at_seconds: float) -> Note:
    bends = tuple(bend for bend in note.bends if bend.time_seconds < at_seconds)
    return msgspec.structs.replace(note, offset_seconds=at_seconds, bends=bends)
