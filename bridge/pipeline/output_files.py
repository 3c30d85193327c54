"""The output files of a job before they are written: name, kind and bytes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bridge.model import TOGETHER, Kind, Note, Result
from bridge.options.table import NOTE_LISTS
from bridge.pipeline.notes import NotesOfJob, straightened
from bridge.project_paths import stem_file_name
from bridge.request import JobRequest
from bridge.score.drawing import draw
from bridge.score.tables import note_table
from bridge.smf.writing import midi_file
from bridge.stems import OPPOSITE_TABLE, STEMS


@dataclass(frozen=True)
class OutputFile:
    """One output file, not yet written."""

    result: Result
    """The file's description; its folder is not yet known."""
    blocks: Callable[[], Iterator[bytes]]
    """Yields the file's bytes; each call starts from the beginning."""


def result_file_name(name: str, stem: str, ending: str) -> str:
    """The file name of a result in the folder of the job `name`."""
    return f"{name}.{ending}" if stem in ("mix", TOGETHER) else stem_file_name(name, stem, ending)


def possible_files(name: str, request: JobRequest) -> list[str]:
    """The names of all files that the job `name` may write to its folder, whatever its engine and stems."""
    audio = (request.audio.name, "wav")
    endings = (*audio, "mid", *(f"notes.{kind}" for kind in NOTE_LISTS))
    files = [result_file_name(name, stem, ending) for stem in (*STEMS, TOGETHER) for ending in endings]
    opposites = [result_file_name(name, opposite, ending) for opposite in OPPOSITE_TABLE for ending in audio]
    return [*files, *opposites, f"{name}.svg", f"{name}.sab.json"]


def note_files(notes_of_job: NotesOfJob, request: JobRequest, name: str) -> Iterator[OutputFile]:
    """All files made from notes: MIDI per stem, MIDI of all stems, tables, and a picture among the results."""
    parts = notes_of_job.parts
    for stem, notes in parts.items():
        yield _output_file(
            "midi", name, stem, "mid", _midi(notes_of_job, request, {stem: notes}), notes_of_job, len(notes)
        )
    count = sum(map(len, parts.values()))
    if len(parts) > 1:
        yield _output_file("midi", name, TOGETHER, "mid", _midi(notes_of_job, request, parts), notes_of_job, count)
    for kind in request.note_files.lists:
        for stem, notes in parts.items():
            content = note_table(kind, notes, stem=stem, music=notes_of_job.music)
            yield _output_file("notes", name, stem, f"notes.{kind}", content, notes_of_job, len(notes))
    if request.note_files.picture == "":
        yield _output_file("picture", name, TOGETHER, "svg", picture_of(notes_of_job, name), notes_of_job, count)


def picture_of(notes_of_job: NotesOfJob, name: str) -> bytes:
    """The notes of all stems as an SVG picture, in bars of one length."""
    drawn = straightened(notes_of_job)
    return draw(drawn.parts, drawn.music, title=name, seconds=drawn.seconds)


def _midi(notes_of_job: NotesOfJob, request: JobRequest, parts: Mapping[str, list[Note]]) -> bytes:
    music = notes_of_job.music
    return midi_file(
        parts,
        seconds=notes_of_job.seconds,
        tempo_bpm=music.tempo_bpm,
        metre=music.time_signature,
        beat=request.song.beat,
        bends=request.note_files.bends,
        tempo_map=music.tempo_map,
        first_bar_seconds=music.first_beat_seconds,
    )


def _output_file(
    kind: Kind, name: str, stem: str, ending: str, content: bytes, notes_of_job: NotesOfJob, notes: int
) -> OutputFile:
    file = result_file_name(name, stem, ending)
    result = Result(kind=kind, name=stem, file=file, seconds=notes_of_job.seconds, notes=notes)
    return OutputFile(result, lambda: iter((content,)))
