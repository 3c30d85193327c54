"""Warnings about a job's notes: no tempo was found, no notes, or no chords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.model import Warning
from bridge.pipeline.notes import NotesOfJob
from bridge.request import JobRequest

NO_CHORDS = (
    "No chord was found, so there is no file of chords. A voice, a bass or a solo alone has none: take the stems that "
    "play chords too, or transcribe the whole song as a mix."
)


def note_warnings(notes_of_job: NotesOfJob, request: JobRequest) -> Iterator[Warning]:
    """Warnings about the notes, each once. They depend on the notes alone, so a restored job repeats them.

    A stem without notes is reported only if no stem has any, or if the request names that stem: most songs lack some
    instrument, and an empty MIDI file is then correct (docs/decisions/0116-what-is-worth-a-warning.md).
    """
    empty = [stem for stem, notes in notes_of_job.parts.items() if not notes]
    if len(empty) < len(notes_of_job.parts) and notes_of_job.music.tempo_source == "default":
        yield Warning(code="tempo_assumed", message=_tempo_assumed(notes_of_job.music.tempo_bpm, request))
    reported = (
        empty if len(empty) == len(notes_of_job.parts) else [stem for stem in empty if stem in request.stems.midi]
    )
    if reported:
        yield Warning(code="no_notes", message=_no_notes(reported))
    if request.note_files.chords == "file" and not notes_of_job.chords:
        yield Warning(code="no_chords", message=NO_CHORDS)


def _tempo_assumed(bpm: float, request: JobRequest) -> str:
    without_grid = ""
    if request.reading.style == "clean" and request.quantise is None:
        without_grid = ", and clean notes lie on no grid"
    elif request.note_files.score:
        without_grid = ", and the score's bars are not those of the music"
    return (
        f"No steady tempo was found, so the notes are written at {bpm:g} BPM{without_grid}. If you know the tempo, "
        "set it: --tempo 98 on the command line, tempo 98 in a message."
    )


def _no_notes(stems: Sequence[str]) -> str:
    where = "the clip" if stems == ["mix"] else " or ".join(filter(None, (", ".join(stems[:-1]), stems[-1])))
    problem = f"No note was found in {where}."
    if stems == ["drums"]:  # no setting makes the drum transcriber find more hits
        return f"{problem} Listen to the stem: it may be silent there, or drums that are not a drum kit."
    return f"{problem} If something plays there, try --sensitivity 80 on the command line, sensitivity 80 in a message."
