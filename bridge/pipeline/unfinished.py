"""What a job leaves that was cancelled, or failed, after some of its files were complete: they stay, with a word.

`NAME.unfinished.json` lies beside them until the same job is asked for again, which goes on in the same folder. It is
not the manifest, for which a DAW's scripts wait: that comes once all is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from bridge.model import JobRequest, Outcome, Result, Value
from bridge.pipeline.cache.store import check_of
from bridge.pipeline.manifest import relative
from bridge.pipeline.output_folder import OutputFolder
from bridge.project_paths import numbered
from bridge.system.files import read_json, write_whole

ENDING = "unfinished.json"


class Unfinished(Value, frozen=True, kw_only=True):
    """The file's content."""

    note: str
    """What this is, for whoever finds it."""
    job: str
    state: Outcome
    """`cancelled` or `failed`."""
    name: str
    request: JobRequest
    results: tuple[Result, ...]
    """Those that are complete; their paths are the files' names."""
    checks: dict[str, int]
    """CRC-32 of each of these files, by its name."""
    cache_key: str
    """As in the manifest: the same for the same job."""


def leave_unfinished(
    folder: Path, job: str, state: Outcome, name: str, request: JobRequest, results: Sequence[Result], key: str
) -> None:
    """Says in `folder` which of a job's files are complete; nothing where there are none.

    Raises:
        OSError: it cannot be written.
    """
    if not results:
        return
    path = folder / f"{name}.{ENDING}"
    here = [relative(result) for result in results if Path(result.path).parent == folder]
    complete = {result.path: result for result in (*_left(path, key), *here) if (folder / result.path).exists()}
    told = Unfinished(
        note=f"This job was {state} before it was done; the files listed are complete. Ask for it again to go on.",
        job=job,
        state=state,
        name=name,
        request=request,
        results=tuple(complete.values()),
        checks={file: _check(folder / file) for file in complete},
        cache_key=key,
    )
    write_whole(path, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")


def find_unfinished(job: str, wanted: Path, name: str, key: str, files: Iterable[str]) -> OutputFolder | None:
    """The folder called `wanted`, `wanted 2` … in which the same job was left unfinished.

    Some of its files may be gone. One that was changed since, or another of the names in `files`, is the user's work
    by now: then the folder is not touched.
    """
    names = frozenset(files)
    for candidate in numbered(wanted):
        if not candidate.is_dir():
            return None
        if (complete := _complete(candidate, name, key, names)) is not None:
            return OutputFolder(job, candidate, complete=complete)
    return None


def settle_unfinished(folder: Path, name: str) -> None:
    """The job is done: takes the word away."""
    with contextlib.suppress(OSError):  # somebody reads it just now (Windows): that ends no job
        (folder / f"{name}.{ENDING}").unlink(missing_ok=True)


def _left(path: Path, key: str) -> tuple[Result, ...]:
    """What the same job had complete before, where it was left more than once."""
    try:
        left = read_json(path, Unfinished)
    except (OSError, ValueError):
        return ()
    return left.results if left.cache_key == key else ()


def _complete(folder: Path, name: str, key: str, names: frozenset[str]) -> set[str] | None:
    """The files of the job that are there; None where the folder is not, or no more, that job's own."""
    if folder.is_symlink():
        return None
    try:
        left = read_json(folder / f"{name}.{ENDING}", Unfinished)
        there = {file for file in names if (folder / file).exists()}
        is_ours = left.cache_key == key and all(_check(folder / file) == left.checks.get(file) for file in there)
    except (OSError, ValueError):
        return None
    return there if is_ours else None


def _check(path: Path) -> int:
    with path.open("rb") as file:
        return check_of(file)
