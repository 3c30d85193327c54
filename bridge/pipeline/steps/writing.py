"""The files of a job: stems, notes, picture and manifest, written or left as they are, and reported one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from bridge.events import Analysed
from bridge.model import TOGETHER, Result
from bridge.pipeline.cache.restore import find_previous_folder, is_unchanged, write_if_missing
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.manifest import encode_manifest, manifest_name, manifest_of
from bridge.pipeline.notes import NotesOfJob
from bridge.pipeline.output_files import OutputFile, picture_of
from bridge.pipeline.source_lookup import wanted_folder
from bridge.pipeline.stems import write_stems
from bridge.pipeline.steps.obtaining import ObtainedStems
from bridge.pipeline.steps.opening import OpenJob
from bridge.pipeline.steps.splitting import made_parts
from bridge.project_paths import numbered


def write_made_stems(job: OpenJob, stems: ObtainedStems, folder: OutputFolder) -> None:
    """Writes the stems that this job has made."""
    chosen = {stem: stems.raw[stem] for stem in job.stems if stem in stems.raw}
    if chosen:
        for result in write_stems(chosen, job.region, job.name, job.request, folder, job.control):
            job.log.produced(result)


def previous_folder(job: OpenJob, stems: ObtainedStems, files: Sequence[OutputFile]) -> OutputFolder | None:
    """The folder that an equal job was written to, if it is unchanged since; `files` are the job's notes."""
    if job.context.cache is None or stems.raw or (made_parts(job) and not stems.kit):
        return None
    wanted = wanted_folder(job.request)
    return find_previous_folder(job.folders, wanted, job.name, job.keys.job, [*stems.files, *stems.kit, *files])


def write_results(
    job: OpenJob, stems: ObtainedStems, notes: NotesOfJob | None, files: Sequence[OutputFile], folder: OutputFolder
) -> None:
    """Writes the restored stems and parts of the drums, the notes' `files`, and a picture that is wanted elsewhere."""
    job.control.progress.enter("writing")
    with job.context.paces.measured("writing", job.region.seconds):
        _write(job, [*stems.files, *stems.kit], folder)
        if notes is not None:
            job.log.report(Analysed(job=job.id, music=notes.music))
        _write(job, files, folder)
    if notes is not None and job.request.note_files.picture:
        _write_picture(job, picture_of(notes, job.name), Path(job.request.note_files.picture), notes)


def write_manifest(job: OpenJob, stems: ObtainedStems, notes: NotesOfJob | None, folder: OutputFolder) -> None:
    """Writes the manifest of the job as its events tell it.

    Raises:
        NotWritable, OutOfSpace: it cannot be written.
    """
    manifest = manifest_of(
        job.log.job,
        source=job.source,
        engine=job.engine,
        transcribers={stem: job.context.transcribers.for_stem(stem).name for stem in job.midi},
        chords=() if notes is None else notes.chords,
        seconds=job.context.clock.monotonic_seconds() - job.began_seconds,
        cache_key=job.keys.job,
        sizes=folder.sizes_of(result.file for result in job.log.job.results),
        line_margins={} if notes is None else notes.line_margins,
        analyses=job.analyses.record(job.midi),
        peaks={stem: peaks for stem, peaks in stems.peaks.items() if stem in job.stems},
    )
    with folder.new_file(manifest_name(job.name)) as file:
        file.write(encode_manifest(manifest))


def _write(job: OpenJob, files: Iterable[OutputFile], folder: OutputFolder) -> None:
    for file in files:
        job.control.checkpoint(1.0)
        write_if_missing(file, folder)
        _report(job, file, folder.path)


def _write_picture(job: OpenJob, picture: bytes, wanted: Path, notes: NotesOfJob) -> None:
    """Writes the picture to the path that the user gave, or a numbered one: `notes.svg`, `notes 2.svg` …"""
    folder = job.folders.elsewhere(wanted.parent)
    for candidate in numbered(wanted.with_suffix("")):
        result = Result(kind="picture", name=TOGETHER, file=f"{candidate.name}.svg", seconds=notes.seconds)
        file = OutputFile(result, lambda: iter((picture,)))
        if is_unchanged(folder, file):
            folder.take_over(None, (result.file,))
            write_if_missing(file, folder)
            _report(job, file, folder.path)
            return


def _report(job: OpenJob, file: OutputFile, folder: Path) -> None:
    job.log.produced(msgspec.structs.replace(file.result, folder=str(folder)))
