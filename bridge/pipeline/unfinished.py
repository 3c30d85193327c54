"""The record of a job that was cancelled or failed after some of its files were complete.

The complete files stay, with `NAME.unfinished.json` beside them. If the same job is requested again, it continues in
that folder. This file is not the manifest, for which DAW scripts wait: the manifest is written when all files are
complete.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.model import Job, Outcome, Result
from bridge.options.record import from_json, to_json, to_record
from bridge.pipeline.cache.store import crc32_of
from bridge.pipeline.output_folder import OutputFolder
from bridge.project_paths import numbered
from bridge.system.files import read_small, write_whole
from bridge.value import Value

ENDING = "unfinished.json"


class Unfinished(Value, frozen=True, kw_only=True):
    """The content of `NAME.unfinished.json`."""

    note: str
    """An explanation for the user who finds the file."""
    job: str
    state: Outcome
    """`cancelled` or `failed`."""
    name: str
    request: dict[str, object]
    """As `options.record` writes it."""
    results: tuple[Result, ...]
    """The complete files, without their folder."""
    checks: dict[str, int]
    """CRC-32 of each of these files, by file name."""
    cache_key: str
    """As in the manifest: equal for equal jobs."""


def write_unfinished(job: Job, state: Outcome, key: str) -> None:
    """Records in the job's folder which of its files are complete; writes nothing if there are none.

    Raises:
        OSError: the record cannot be written.
    """
    if not job.results:
        return
    folder = Path(job.output_dir)
    path = folder / f"{job.name}.{ENDING}"
    here = [msgspec.structs.replace(result, folder="") for result in job.results if Path(result.folder) == folder]
    complete = {
        result.file: result for result in (*_results_before(path, key), *here) if (folder / result.file).exists()
    }
    content = Unfinished(
        note=f"This job was {state} before it was done; the files listed are complete. Submit it again to continue.",
        job=job.id,
        state=state,
        name=job.name,
        request=to_record(job.request),
        results=tuple(complete.values()),
        checks={file: _file_crc32(folder / file) for file in complete},
        cache_key=key,
    )
    write_whole(path, msgspec.json.format(to_json(content), indent=2) + b"\n")


def find_unfinished(job: str, wanted: Path, name: str, key: str, files: Iterable[str]) -> OutputFolder | None:
    """The folder `wanted`, `wanted 2` … in which the same job was left unfinished.

    Some of its files may be missing. If one has changed, or if the folder has another of the names in `files`, that is
    the user's work, and the folder is left alone.
    """
    names = frozenset(files)
    for candidate in numbered(wanted):
        if not candidate.is_dir():
            return None
        if (complete := _complete(candidate, name, key, names)) is not None:
            return OutputFolder(job, candidate, complete=complete)
    return None


def remove_unfinished(folder: Path, name: str) -> None:
    """Removes the record, because the job is done."""
    with contextlib.suppress(OSError):  # on Windows, a reader may hold the file open; the job is done all the same
        (folder / f"{name}.{ENDING}").unlink(missing_ok=True)


def _results_before(path: Path, key: str) -> tuple[Result, ...]:
    """Complete files recorded by an earlier run of the same job."""
    try:
        record = from_json(read_small(path), Unfinished)
    except (OSError, ValueError):
        return ()
    return record.results if record.cache_key == key else ()


def _complete(folder: Path, name: str, key: str, names: frozenset[str]) -> set[str] | None:
    """The job's files in `folder`; None if the folder does not, or no longer, belong to that job."""
    if folder.is_symlink():
        return None
    try:
        record = from_json(read_small(folder / f"{name}.{ENDING}"), Unfinished)
        present = {file for file in names if (folder / file).exists()}
        is_ours = record.cache_key == key and all(
            _file_crc32(folder / file) == record.checks.get(file) for file in present
        )
    except (OSError, ValueError):
        return None
    return present if is_ours else None


def _file_crc32(path: Path) -> int:
    with path.open("rb") as file:
        return crc32_of(file)
