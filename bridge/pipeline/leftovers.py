"""Removes what a job has left whose process was killed, so that nothing is left but its complete files, on record."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bridge.errors import BridgeError
from bridge.pipeline import claim
from bridge.pipeline.manifest import decode_manifest
from bridge.pipeline.output_folder import OutputFolder, remove_empty
from bridge.pipeline.unfinished import ENDING, read_record, unfinished_from
from bridge.system.directory import Directory
from bridge.system.files import read_open

MANIFEST_ENDING = ".sab.json"


def remove_leftovers(job: str, folders: Iterable[str | Path], created: Iterable[str | Path] = ()) -> None:
    """Removes a job's temporary files, its claims, the folders made for it if they are empty, and its manifest.

    To be called when the job's process has ended before the job did; it may wait for a drive. Complete files stay, with
    the record `NAME.unfinished.json`, so that the job continues there if it runs again. A manifest says that a job is
    done, so it becomes such a record. What cannot be removed stays.

    Args:
        job: its id.
        folders: every folder that its events name.
        created: every folder that its events say was made for it.
    """
    if not job.isalnum():
        return
    paths = [*dict.fromkeys(map(Path, folders))]
    for path in paths:
        with suppress(OSError, BridgeError), Directory(path, follow_link=True) as directory:
            _sweep(job, directory)
    above = {folder for path in paths for folder in (path, *path.parents)}
    remove_empty(above & set(map(Path, created)))


def _sweep(job: str, directory: Directory) -> None:
    folder = OutputFolder(job, directory)
    for name in directory.names():
        if name.startswith(".") and name.endswith(claim.ENDING):
            claim.remove_abandoned(directory, name, job)
        elif name.endswith(MANIFEST_ENDING):
            _withdraw_manifest(job, folder, name)
    for name in directory.names():
        if name.endswith(f".{ENDING}"):
            record = read_record(folder, name[: -len(ENDING) - 1])
            if record is not None and record.job == job and not any(map(directory.has, record.checks)):
                directory.remove(name)
    folder.sweep()


def _withdraw_manifest(job: str, folder: OutputFolder, file_name: str) -> None:
    """Turns the manifest of a job that did not end into the record of its complete files."""
    name = file_name[: -len(MANIFEST_ENDING)]
    try:
        with folder.open(file_name) as file:
            manifest = decode_manifest(read_open(file))
    except (OSError, ValueError):
        return
    if manifest.job != job or manifest.name != name:
        return
    if read_record(folder, name) is None:
        folder.write_record(f"{name}.{ENDING}", unfinished_from(folder, manifest))
    folder.remove(file_name)
