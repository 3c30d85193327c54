"""The output files of a job before they are written: name, kind and bytes of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from bridge.model import TOGETHER, Kind, Note, Result
from bridge.music.chords import block_chords
from bridge.music.clean import written_parts
from bridge.options.table import NOTE_LISTS
from bridge.pipeline.notes import NotesOfJob, plays_one_line, straightened
from bridge.project_paths import stem_file_name
from bridge.request import Bends, JobRequest
from bridge.score.drawing import draw, picture_words
from bridge.score.musicxml import score_of
from bridge.score.tables import note_table
from bridge.smf.writing import midi_file
from bridge.stems import KIT, OPPOSITE_TABLE, STEMS


@dataclass(frozen=True)
class OutputFile:
    """One output file, not yet written."""

    result: Result
    """The file's description; its folder is not yet known."""
    blocks: Callable[[], Iterator[bytes]]
    """Yields the file's bytes; each call starts from the beginning."""
    size_bytes: int = 0
    """The file's length; 0: not known."""


def result_file_name(name: str, stem: str, ending: str) -> str:
    """The file name of a result in the folder of the job `name`."""
    return f"{name}.{ending}" if stem in ("mix", TOGETHER) else stem_file_name(name, stem, ending)


def possible_files(name: str, request: JobRequest) -> list[str]:
    """The names of all files that the job `name` may write to its folder, whatever its engine and stems."""
    audio = (request.audio.name, "wav")
    endings = (*audio, "mid", *(f"notes.{kind}" for kind in NOTE_LISTS))
    files = [result_file_name(name, stem, ending) for stem in (*STEMS, TOGETHER) for ending in endings]
    opposites = [result_file_name(name, opposite, ending) for opposite in OPPOSITE_TABLE for ending in audio]
    kit = [result_file_name(name, part, ending) for part in KIT for ending in audio] if request.stems.kit else []
    alone = (f"{name}.{ending}" for ending in ("svg", "musicxml", "dawproject", "sab.json"))
    return [*files, *opposites, *kit, chords_file_name(name), *alone]


def chords_file_name(name: str) -> str:
    """The file name of the block chords."""
    return f"{name} (Chords).mid"


def note_files(notes_of_job: NotesOfJob, request: JobRequest, name: str) -> Iterator[OutputFile]:
    """All files made from notes: MIDI, tables, a picture among the results, block chords, a score."""
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
    if request.note_files.chords == "file" and notes_of_job.chords:
        block = block_chords(notes_of_job.chords)
        content = _midi(notes_of_job, request, {"chords": block}, bends="none")
        result = _result("chords", TOGETHER, chords_file_name(name), notes_of_job, len(block))
        yield OutputFile(result, partial(_once, content))
    if request.note_files.score:
        score = _score(notes_of_job, request, name)
        yield _output_file("score", name, TOGETHER, "musicxml", score, notes_of_job, 0)


def picture_of(notes_of_job: NotesOfJob, name: str) -> bytes:
    """The notes of all stems as an SVG picture, in bars of one length."""
    drawn = straightened(notes_of_job)
    words = picture_words(notes_of_job.music, notes_of_job.seconds)
    return draw(drawn.parts, drawn.music, drawn.chords, title=name, seconds=drawn.seconds, words=words)


def _score(notes_of_job: NotesOfJob, request: JobRequest, name: str) -> bytes:
    job = straightened(notes_of_job)
    grid, written = written_parts(job.played, job.music, job.seconds, request.quantise, plays_one_line(request))
    return score_of(written, grid, job.music, job.chords, title=name, seconds=job.seconds)


def _midi(
    notes_of_job: NotesOfJob, request: JobRequest, parts: Mapping[str, list[Note]], bends: Bends | None = None
) -> bytes:
    music = notes_of_job.music
    return midi_file(
        parts,
        seconds=notes_of_job.seconds,
        tempo_bpm=music.tempo_bpm,
        metre=music.time_signature,
        beat=request.song.beat,
        bends=bends or request.note_files.bends,
        tempo_map=music.tempo_map,
        first_bar_seconds=music.first_beat_seconds,
        chords=notes_of_job.chords if parts.keys() >= notes_of_job.parts.keys() else (),
    )


def _output_file(
    kind: Kind, name: str, stem: str, ending: str, content: bytes, notes_of_job: NotesOfJob, notes: int
) -> OutputFile:
    result = _result(kind, stem, result_file_name(name, stem, ending), notes_of_job, notes)
    return OutputFile(result, partial(_once, content))


def _result(kind: Kind, stem: str, file: str, notes_of_job: NotesOfJob, notes: int) -> Result:
    return Result(kind=kind, name=stem, file=file, seconds=notes_of_job.seconds, notes=notes)


def _once(content: bytes) -> Iterator[bytes]:
    yield content
