"""Warnings about a job's notes: no tempo was found, no notes, or no chords."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.model import Music, Warning
from bridge.music.tempo.estimate import CONFIDENT
from bridge.music.tempo.other_tempi import other_tempi
from bridge.pipeline.notes import NotesOfJob
from bridge.request import JobRequest

_SET_TEMPO = "If you know the tempo, set it: t in the screen, --tempo 98 on the command line, tempo 98 in a message."
NO_CHORDS = (
    "No chord was found, so there is no file of chords. A voice, a bass or a solo alone has none: take the stems that "
    "play chords too, or transcribe the whole song as a mix."
)
NOTES_NOT_READ = (
    "No notes are read, so there is no score, file of chords, picture or table of them. Name the stems whose notes you "
    "want: --midi all on the command line, midi all in a message."
)


def unread_warnings(request: JobRequest) -> Iterator[Warning]:
    """The warning about a job that reads no notes, and is asked for files that are made from them."""
    wanted = request.note_files
    if wanted.score or wanted.chords == "file" or wanted.picture is not None or wanted.lists:
        yield Warning(code="notes_not_read", message=NOTES_NOT_READ)


def note_warnings(notes_of_job: NotesOfJob, request: JobRequest) -> Iterator[Warning]:
    """Warnings about the notes, each once. They depend on the notes alone, so a restored job repeats them.

    A stem without notes is reported only if no stem has any, or if the request names that stem: most songs lack some
    instrument, and an empty MIDI file is then correct (docs/decisions/0116-what-is-worth-a-warning.md).
    """
    has_no_beat = request.song.follows_beats and not notes_of_job.music.tempo_map
    if has_no_beat:
        yield Warning(code="no_beat", message=_no_beat(notes_of_job.music, request))
    empty = [stem for stem, notes in notes_of_job.parts.items() if not notes]
    if len(empty) < len(notes_of_job.parts) and notes_of_job.music.tempo_source == "default" and not has_no_beat:
        yield Warning(code="tempo_assumed", message=_tempo_assumed(notes_of_job.music.tempo_bpm, request))
    if len(empty) < len(notes_of_job.parts) and _has_unsure_octave(notes_of_job.music):
        yield Warning(code="tempo_octave", message=_tempo_octave(notes_of_job.music))
    reported = (
        empty if len(empty) == len(notes_of_job.parts) else [stem for stem in empty if stem in request.stems.midi]
    )
    if reported:
        yield Warning(code="no_notes", message=_no_notes(reported))
    if request.note_files.chords == "file" and not notes_of_job.chords:
        yield Warning(code="no_chords", message=NO_CHORDS)


def _has_unsure_octave(music: Music) -> bool:
    return music.tempo_source == "estimated" and music.tempo_confidence < CONFIDENT and not music.tempo_map


def _tempo_octave(music: Music) -> str:
    half, double = music.tempo_bpm / 2, music.tempo_bpm * 2
    other = max(other_tempi(music), key=lambda one: (one.bpm in (half, double), one.share), default=None)
    bpm = double if other is None else other.bpm
    return (
        f"The beat is clear, but not how fast one taps it: the notes are written at {music.tempo_bpm:g} BPM. If it is "
        f"{bpm:g}, say --tempo {bpm:g} on the command line, tempo {bpm:g} in a message, or press t in the screen."
    )


def _no_beat(music: Music, request: JobRequest) -> str:
    grid = _without_grid(request) if music.tempo_source == "default" else ""
    return f"There is no clear beat to follow, so {_written_at(music.tempo_bpm)}{grid}. {_SET_TEMPO}"


def _tempo_assumed(bpm: float, request: JobRequest) -> str:
    return f"No steady tempo was found, so {_written_at(bpm)}{_without_grid(request)}. {_SET_TEMPO}"


def _written_at(bpm: float) -> str:
    return f"the notes are written at {bpm:g} BPM"


def _without_grid(request: JobRequest) -> str:
    """What an assumed tempo means for what lies on a grid."""
    if request.reading.style == "clean" and request.quantise is None:
        return ", and clean notes lie on no grid"
    return ", and the score's bars are not those of the music" if request.note_files.score else ""


def _no_notes(stems: Sequence[str]) -> str:
    where = "the clip" if stems == ["mix"] else " or ".join(filter(None, (", ".join(stems[:-1]), stems[-1])))
    problem = f"No note was found in {where}."
    if stems == ["drums"]:  # no setting makes the drum transcriber find more hits
        return f"{problem} Listen to the stem: it may be silent there, or drums that are not a drum kit."
    return f"{problem} If something plays there, try --sensitivity 80 on the command line, sensitivity 80 in a message."
