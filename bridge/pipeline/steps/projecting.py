"""The DAWproject of a job: the files of its stems and of the parts of its drums, made or restored, and its notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from bridge.dawproject.archive import Member, archive_blocks, audio_paths
from bridge.dawproject.content import ProjectContent, StemAudio
from bridge.dawproject.project import metadata_xml, project_xml
from bridge.model import TOGETHER, Music, Result
from bridge.music.metre import COMMON_TIME
from bridge.pipeline.cache.store import BLOCK_BYTES
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.notes import NotesOfJob
from bridge.pipeline.output_files import OutputFile
from bridge.pipeline.steps.obtaining import ObtainedStems
from bridge.pipeline.steps.opening import OpenJob
from bridge.request import SongPosition
from bridge.system.files import file_size
from bridge.units import DEFAULT_TEMPO_BPM


def project_files(
    job: OpenJob, stems: ObtainedStems, notes: NotesOfJob | None, folder: OutputFolder
) -> Iterator[OutputFile]:
    """The project, if the job asks for one.

    Args:
        folder: where the stems that the job has made lie; restored ones need not have been written.

    Raises:
        BadArguments: a MIDI file cannot store the tempo.
        OSError: a stem that was written is gone.
    """
    if not job.request.note_files.dawproject:
        return
    audio = [*stems.files, *stems.kit, *_written_stems(job, folder)]
    paths = audio_paths([file.result.file for file in audio])
    title = job.region.tags.title or job.name
    members = [
        _text("metadata.xml", metadata_xml(title, job.region.tags.artist, job.region.tags.album)),
        _text("project.xml", project_xml(_song(job, notes, [file.result for file in audio], paths))),
        *(Member(path, partial(_checked, file, job), file.size_bytes) for path, file in zip(paths, audio, strict=True)),
    ]
    count = 0 if notes is None else sum(map(len, notes.parts.values()))
    result = Result(
        kind="dawproject", name=TOGETHER, file=f"{job.name}.dawproject", seconds=job.region.seconds, notes=count
    )
    yield OutputFile(result, partial(archive_blocks, members))


def _song(job: OpenJob, notes: NotesOfJob | None, stems: Sequence[Result], paths: Sequence[str]) -> ProjectContent:
    return ProjectContent(
        name=job.name,
        seconds=job.region.seconds,
        music=_music_without_notes(job.request.song) if notes is None else notes.music,
        stems=[
            StemAudio(stem.name, path, stem.frames / stem.sample_rate_hz, stem.sample_rate_hz, stem.channels)
            for stem, path in zip(stems, paths, strict=True)
        ],
        parts={} if notes is None else notes.parts,
        chords=() if notes is None else notes.chords,
        beat=job.request.song.beat,
        bends=job.request.note_files.bends != "none",
    )


def _music_without_notes(song: SongPosition) -> Music:
    """The tempo and metre that were given: where no notes are read, none are estimated."""
    return Music(
        tempo_bpm=song.tempo_bpm or DEFAULT_TEMPO_BPM,
        tempo_source="default" if song.tempo_bpm is None else "given",
        time_signature=song.time_signature or COMMON_TIME,
    )


def _written_stems(job: OpenJob, folder: OutputFolder) -> Iterator[OutputFile]:
    """The stems that this job has written to `folder`, or an earlier run of it."""

    def blocks(name: str) -> Iterator[bytes]:
        with folder.open(name) as file:
            yield from iter(partial(file.read, BLOCK_BYTES), b"")

    for result in job.log.job.results:
        if result.kind == "stem":
            with folder.open(result.file) as file:
                size = file_size(file)
            yield OutputFile(msgspec.structs.replace(result, folder=""), partial(blocks, result.file), size)


def _checked(file: OutputFile, job: OpenJob) -> Iterator[bytes]:
    """The file's blocks; between two of them the job can be cancelled."""
    for block in file.blocks():
        job.control.checkpoint(1.0)
        yield block


def _text(path: str, content: bytes) -> Member:
    return Member(path, lambda: iter((content,)))
