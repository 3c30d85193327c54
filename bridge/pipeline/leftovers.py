"""Removes what a job has left whose process was killed, so that nothing is left but its complete files, on record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from bridge.errors import BridgeError
from bridge.events import JobEvent, Produced, Started
from bridge.pipeline import manifest, unfinished
from bridge.pipeline.folders import claim
from bridge.pipeline.folders.job_folders import remove_empty
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.system.directory import Directory


def remove_leftovers(
    job: str,
    folders: Iterable[str | Path],
    created: Iterable[str | Path] = (),
    told: Collection[str] | None = None,
    state: Literal["cancelled", "failed"] = "cancelled",
) -> None:
    """Removes a job's temporary files, its claims, the folders made for it if they are empty, and its manifest.

    To be called when the job's process has ended before the job did; it may wait for a drive. Complete files stay, with
    the record `NAME.unfinished.json`, so that the job continues there if it runs again. A manifest says that a job is
    done, so it becomes such a record. What cannot be removed stays.

    Args:
        job: its id.
        folders: every folder that its events name.
        created: every folder that its events say was made for it.
        told: the paths of the files that its events tell of, if it does not run again: its other files go too.
        state: how it ends, if it does not run again.
    """
    if not job.isalnum():
        return
    paths = [*dict.fromkeys(map(Path, folders))]
    for path in paths:
        with suppress(OSError, BridgeError), Directory(path, follow_link=True) as directory:
            _sweep(
                job,
                directory,
                None if told is None else {name for name in map(Path, told) if name.parent == path},
                state,
            )
    above = {folder for path in paths for folder in (path, *path.parents)}
    remove_empty(above & set(map(Path, created)))


def removal(
    job: str, history: Iterable[JobEvent], end: Literal["cancelled", "failed"] | None = None
) -> Callable[[], None]:
    """What removes the leftovers of a job in every folder that its events name. It may wait for a drive.

    Args:
        end: how the job ends now; None: it runs again.
    """
    events = [*history]
    started = [event for event in events if isinstance(event, Started)]
    told = [event.result.path for event in events if isinstance(event, Produced)]
    folders = [event.output_dir for event in started if event.output_dir]
    created = [folder for event in started for folder in event.created]
    if end is None:
        return lambda: remove_leftovers(job, folders, created)
    return lambda: remove_leftovers(job, folders, created, told, end)


def _sweep(
    job: str, directory: Directory, told: Collection[Path] | None, state: Literal["cancelled", "failed"]
) -> None:
    folder = OutputFolder(job, directory)
    claims = [file for file in directory.names() if file.startswith(".") and file.endswith(claim.ENDING)]
    claims = [file for file in claims if claim.abandoned_by(directory, file) == job]
    for file in directory.names():
        if file.endswith(manifest.ENDING):
            _withdraw(job, folder, file[: -len(manifest.ENDING)])
    for file in directory.names():
        if file.endswith(f".{unfinished.ENDING}"):
            record = unfinished.read_record(folder, file[: -len(unfinished.ENDING) - 1])
            if record is None or record.job != job:
                continue
            if told is not None and claims:
                unfinished.keep_only(folder, record, {path.name for path in told}, state)
            if not any(map(directory.has, record.checks)):
                directory.remove(file)
    if claims:  # else somebody may have written another folder into the history
        folder.sweep()
    for file in claims:  # last, so that a sweep that was cut off is made again
        claim.remove_abandoned(directory, file, job)


def _withdraw(job: str, folder: OutputFolder, name: str) -> None:
    """Makes the manifest of a job that did not end the record of its complete files."""
    found = unfinished.read_manifest(folder, name)
    if found is None or found.job != job:
        return
    if unfinished.read_record(folder, name) is None:
        unfinished.withdraw(folder, found)
    folder.remove(manifest.manifest_name(name))
