"""What earlier attempts at a song have left: a whole result, which is not computed again, or what has to go first.

An attempt may have died on any machine, at any moment, and the process that it ran in may still be about to notice.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace

from bridge.events import Analysed, Ended, JobEvent, Produced, Started, Warned
from bridge.pipeline import unfinished
from bridge.pipeline.folders.claim import abandoned_by, claim_file_name, is_held_by
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.leftovers import remove_leftovers
from bridge.pipeline.manifest import Manifest
from bridge.pipeline.source_lookup import wanted_folder
from bridge.project_paths import numbered, result_name
from bridge.request import JobRequest
from bridge.system.directory import Directory


def is_computed_now(job: str, request: JobRequest) -> bool:
    """Whether another process works on the same song at this moment. May wait for a drive; raises OSError."""
    name = _name(request)
    for path in _folders(request):
        with Directory(path, follow_link=True) as directory:
            if is_held_by(directory, claim_file_name(name), job):
                return True
    return False


def finished_song(job: str, request: JobRequest, unix_seconds: float) -> tuple[tuple[JobEvent, ...], Ended | None]:
    """The events of a song that is done, and its end; none if it is not.

    What an attempt that died has left is removed then.

    May wait for a drive.

    Args:
        job: the song's id, see `task.song_id`.

    Raises:
        OSError: a folder cannot be read.
        NotFound: the request's project does not exist.
    """
    name = _name(request)
    for path in _folders(request):
        with Directory(path, follow_link=True) as directory:
            folder = OutputFolder(job, directory)
            manifest = unfinished.read_manifest(folder, name)
            record = unfinished.read_record(folder, name)
            is_mine = manifest is not None and manifest.job == job
            is_left = abandoned_by(directory, claim_file_name(name)) == job or (
                record is not None and record.job == job
            )
            if is_mine and not is_left and manifest is not None and _is_whole(directory, manifest):
                return tuple(_events(manifest, path)), Ended(job=job, outcome="done", unix_seconds=unix_seconds)
        if is_mine or is_left:
            remove_leftovers(job, (path,))
    return (), None


def _folders(request: JobRequest) -> Iterator[Path]:
    """The folders that the song may lie in: `song`, `song 2` …, as far as there are any. Raises OSError."""
    for path in numbered(wanted_folder(request)):
        try:
            is_folder = stat.S_ISDIR(path.stat().st_mode)  # neither `is_dir` raises, in every Python, what a drive says
        except (FileNotFoundError, NotADirectoryError):
            return
        if not is_folder:
            return
        yield path


def _is_whole(directory: Directory, manifest: Manifest) -> bool:
    return all(directory.has(result.file) for result in manifest.results if not result.folder)


def _events(manifest: Manifest, folder: Path) -> Iterable[JobEvent]:
    job, engine = manifest.job, manifest.engine
    yield Started(job=job, engine=engine.name, device=engine.device, output_dir=str(folder))
    for warning in manifest.warnings:
        yield Warned(job=job, warning=warning)
    for result in manifest.results:
        yield Produced(job=job, result=result if result.folder else replace(result, folder=str(folder)))
    if manifest.music is not None:
        yield Analysed(job=job, music=manifest.music)


def _name(request: JobRequest) -> str:
    return result_name(Path(request.source), request.place.name)
