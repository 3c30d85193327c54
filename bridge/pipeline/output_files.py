"""The files of a job before they lie anywhere: what each is called, what it is, and its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bridge.model import TOGETHER, JobRequest, Kind, Note, Result
from bridge.pipeline.notes import NotesOfJob
from bridge.project_paths import stem_file
from bridge.score.drawing import draw
from bridge.score.tables import note_table
from bridge.smf.writing import midi_file


@dataclass(frozen=True)
class OutputFile:
    """One file of a job."""

    result: Result
    """Its path is the file's name."""
    blocks: Callable[[], Iterator[bytes]]
    """Its bytes, from the start, whenever it is called."""


def result_file(name: str, stem: str, ending: str) -> str:
    """What a result is called in the folder of a job that is called `name`."""
    return f"{name}.{ending}" if stem in ("mix", TOGETHER) else stem_file(name, stem, ending)


def note_pieces(reading: NotesOfJob, request: JobRequest, name: str) -> Iterator[OutputFile]:
    """Every file that is made of notes: one of each stem, one of all together, tables, a picture among the results."""
    parts = reading.parts
    for stem, notes in parts.items():
        yield _piece("midi", name, stem, "mid", _midi(reading, request, {stem: notes}), reading, len(notes))
    count = sum(map(len, parts.values()))
    if len(parts) > 1:
        yield _piece("midi", name, TOGETHER, "mid", _midi(reading, request, parts), reading, count)
    for kind in request.note_lists:
        for stem, notes in parts.items():
            content = note_table(kind, notes, stem=stem, music=reading.music)
            yield _piece("notes", name, stem, f"notes.{kind}", content, reading, len(notes))
    if request.picture == "":
        yield _piece("picture", name, TOGETHER, "svg", picture_of(reading, name), reading, count)


def picture_of(reading: NotesOfJob, name: str) -> bytes:
    """The notes of all stems, drawn."""
    return draw(reading.parts, reading.music, title=name, seconds=reading.seconds)


def _midi(reading: NotesOfJob, request: JobRequest, parts: Mapping[str, list[Note]]) -> bytes:
    music = reading.music
    return midi_file(
        parts,
        seconds=reading.seconds,
        tempo_bpm=music.tempo_bpm,
        metre=music.time_signature,
        beat=request.beat,
        bends=request.bends,
    )


def _piece(
    kind: Kind, name: str, stem: str, ending: str, content: bytes, reading: NotesOfJob, notes: int
) -> OutputFile:
    file = result_file(name, stem, ending)
    result = Result(kind=kind, name=stem, path=file, seconds=reading.seconds, notes=notes)
    return OutputFile(result, lambda: iter((content,)))
