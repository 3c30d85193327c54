"""The record of a job that is not done: which of its files are complete.

`NAME.unfinished.json` lies beside the files. It is brought up to date before each file gets its name, so it tells of
every file, in whatever way the job ends. If the same job runs again, it continues in that folder. This file is not the
manifest, for which DAW scripts wait: the manifest is written when all files are complete.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import BinaryIO, Literal

import msgspec

from bridge.errors import BridgeError
from bridge.model import Job, Outcome, Result
from bridge.options.record import from_json, to_json, to_record
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.manifest import Manifest, decode_manifest, manifest_name
from bridge.system.files import crc32_of, read_open
from bridge.value import Value

ENDING = "unfinished.json"
_NOTES: dict[str, str] = {
    "running": "This job is running, or was ended by force; the files listed are complete. If it does not run any "
    "more, submit it again to continue.",
    "cancelled": "This job was cancelled before it was done; the files listed are complete. Submit it again to "
    "continue.",
    "failed": "This job failed before it was done; the files listed are complete. Submit it again to continue.",
}


class Unfinished(Value, frozen=True, kw_only=True):
    """The content of `NAME.unfinished.json`."""

    note: str
    """An explanation for the user who finds the file."""
    job: str
    state: Literal["running", "cancelled", "failed"]
    name: str
    request: dict[str, object]
    """As `options.record` writes it."""
    results: tuple[Result, ...]
    """The complete files, without their folder."""
    checks: dict[str, int]
    """CRC-32 of each of these files, and of the manifest if it is there, by file name."""
    cache_key: str
    """As in the manifest: equal for equal jobs."""


class UnfinishedRecord:
    """The record in one folder, kept up to date while its job runs there (see `output_folder.CompleteFiles`)."""

    def __init__(self, job: Job, key: str, folder: OutputFolder) -> None:
        """`key`: the job's cache key. A record of an earlier run of the same job is continued."""
        self._job = job
        self._key = key
        self._folder = folder
        self._file = record_name(job.name)
        before = read_record(folder, job.name)
        if before is None or before.cache_key != key:
            self._results: dict[str, Result] = {}
            self._checks: dict[str, int] = {}
        else:
            self._results = {result.file: result for result in before.results}
            self._checks = dict(before.checks)

    def before_rename(self, name: str, result: Result | None, file: BinaryIO) -> None:
        """Records a complete file.

        Raises:
            OSError: the record cannot be written.
        """
        self._note(name, result)
        self._checks[name] = crc32_of(file)
        self._write("running")

    def kept(self, name: str, result: Result | None) -> None:
        """Remembers a file of an earlier run, for the next time that the record is written."""
        self._note(name, result)

    def end(self, state: Outcome) -> None:
        """Says in the record that the job was cancelled or failed; removes it if there are no files.

        Raises:
            OSError, BridgeError: it cannot be written.
        """
        if any(map(self._folder.holds, self._results)):
            self._write("cancelled" if state == "cancelled" else "failed")
        else:
            self._folder.remove(self._file)

    def remove(self) -> None:
        """Removes the record, because the job is done. On Windows it stays while somebody reads it."""
        self._folder.remove(self._file)

    def _note(self, name: str, result: Result | None) -> None:
        if result is not None:
            self._results[name] = msgspec.structs.replace(result, folder="")

    def _write(self, state: Literal["running", "cancelled", "failed"]) -> None:
        for name in self._results.keys() - self._checks.keys():
            if (check := _check_of(self._folder, name)) is not None:
                self._checks[name] = check
        content = Unfinished(
            note=_NOTES[state],
            job=self._job.id,
            state=state,
            name=self._job.name,
            request=to_record(self._job.request),
            results=tuple(self._results.values()),
            checks=self._checks,
            cache_key=self._key,
        )
        self._folder.write_record(self._file, encode_record(content))


def withdraw(folder: OutputFolder, manifest: Manifest) -> Unfinished:
    """Turns the manifest of a job that was killed before its end into its record; returns it.

    Raises:
        OSError, BridgeError: it cannot be written.
    """
    checks = {result.file: _check_of(folder, result.file) for result in manifest.results}
    content = Unfinished(
        note=_NOTES["running"],
        job=manifest.job,
        state="running",
        name=manifest.name,
        request=manifest.request,
        results=manifest.results,
        checks={name: check for name, check in checks.items() if check is not None},
        cache_key=manifest.cache_key,
    )
    folder.write_record(record_name(manifest.name), encode_record(content))
    folder.remove(manifest_name(manifest.name))
    return content


def keep_only(
    folder: OutputFolder, record: Unfinished, names: Collection[str], state: Literal["cancelled", "failed"]
) -> None:
    """Removes the complete files of a job that was killed but those with these names, unless somebody has changed them.

    Args:
        state: how the job ends now.

    Raises:
        OSError, BridgeError: the record cannot be written.
    """
    for name in record.checks.keys() - set(names):
        if _check_of(folder, name) == record.checks[name]:
            folder.remove(name)
    kept = {name: check for name, check in record.checks.items() if folder.holds(name)}
    results = tuple(result for result in record.results if result.file in kept)
    content = msgspec.structs.replace(record, note=_NOTES[state], state=state, results=results, checks=kept)
    folder.write_record(record_name(record.name), encode_record(content))


def read_manifest(folder: OutputFolder, name: str) -> Manifest | None:
    """The manifest of the job called `name`; None if there is none, or none that can be read."""
    try:
        with folder.open(manifest_name(name)) as file:
            manifest = decode_manifest(read_open(file))
    except (OSError, ValueError):
        return None
    return manifest if manifest.name == name else None


def record_name(name: str) -> str:
    """The file name of the record of the job called `name`."""
    return f"{name}.{ENDING}"


def encode_record(record: Unfinished) -> bytes:
    """Indented JSON in UTF-8."""
    return msgspec.json.format(to_json(record), indent=2) + b"\n"


def read_record(folder: OutputFolder, name: str) -> Unfinished | None:
    """The record in a folder; None if there is none, or none that can be read."""
    try:
        with folder.open(record_name(name)) as file:
            return from_json(read_open(file), Unfinished)
    except (OSError, ValueError):
        return None


def unfinished_files(folder: OutputFolder, name: str, key: str, files: Iterable[str]) -> set[str] | None:
    """The job's complete files in `folder`, of which some may be missing; None if it is not the folder of an equal job.

    If a file has changed, or if the folder has another of the names in `files`, that is the user's work, and the folder
    is left alone. A manifest of that job is removed: the job was killed before its end, and will write another.
    """
    record = read_record(folder, name) or _withdrawn(folder, name)
    if record is None or record.cache_key != key:
        return None
    present = {file for file in files if folder.holds(file)}
    if any(_check_of(folder, file) != record.checks.get(file, -1) for file in present):
        return None
    manifest = manifest_name(name)
    if manifest in present:
        folder.remove(manifest)
        present.remove(manifest)
    return present


def _withdrawn(folder: OutputFolder, name: str) -> Unfinished | None:
    """The record of a job that was killed after its last file, while it held its claim."""
    manifest = read_manifest(folder, name)
    if manifest is None or folder.left_by(name) != manifest.job:
        return None
    try:
        return withdraw(folder, manifest)
    except (OSError, BridgeError):
        return None


def _check_of(folder: OutputFolder, name: str) -> int | None:
    try:
        with folder.open(name) as file:
            return crc32_of(file)
    except (OSError, ValueError):
        return None
