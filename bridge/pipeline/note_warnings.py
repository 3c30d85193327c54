"""What a musician should know of the notes that were read: no tempo was heard, or no note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.model import JobRequest, Warning
from bridge.pipeline.notes import NotesOfJob


def note_warnings(reading: NotesOfJob, request: JobRequest) -> Iterator[Warning]:
    """Warnings about the notes, each once; they follow from the reading alone, so a job out of the cache has them too.

    A stem without a note is worth a word only where nothing else has one either, or where its notes were asked for by
    its name: most songs lack some instrument, and its empty MIDI file is right
    (docs/decisions/0116-what-is-worth-a-warning.md).
    """
    empty = [stem for stem, notes in reading.parts.items() if not notes]
    if len(empty) < len(reading.parts) and reading.music.tempo_source == "default":
        yield Warning(code="tempo_assumed", message=_tempo_assumed(reading.music.tempo_bpm))
    missed = empty if len(empty) == len(reading.parts) else [stem for stem in empty if stem in (request.midi or ())]
    if missed:
        yield Warning(code="no_notes", message=_no_notes(missed))


def _tempo_assumed(bpm: float) -> str:
    return (
        f"No steady tempo was heard, so the notes are written at {bpm:g} BPM. If you know the tempo, say it: "
        "--tempo 98 on the command line, tempo 98 in a message."
    )


def _no_notes(stems: Sequence[str]) -> str:
    where = "the clip" if stems == ["mix"] else " or ".join(filter(None, (", ".join(stems[:-1]), stems[-1])))
    told = f"No note was found in {where}."
    if stems == ["drums"]:  # whose strokes no setting makes more
        return f"{told} Listen to the stem: it may be silent there, or drums that are not a drum kit."
    return f"{told} If something plays there, try --sensitivity 80 on the command line, sensitivity 80 in a message."
