"""Bringing a finished job back from the cache into a folder: the one that it went to before, or a new one."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import IO

import msgspec

from bridge.model import Result
from bridge.pipeline.cache import Entry, OpenEntry
from bridge.pipeline.folder import OutputFolder
from bridge.pipeline.manifest import decode
from bridge.project_paths import numbered, stem_file

BLOCK_BYTES = 1 << 20


def result_file(name: str, stem: str, ending: str) -> str:
    """What a result is called in the folder of a job that is called `name`."""
    return f"{name}.{ending}" if stem == "mix" else stem_file(name, stem, ending)


def entry_file(result: Result) -> str:
    """What a result is called in the cache: `vocals.wav`."""
    return result.name + Path(result.path).suffix


def state_of(source: Path) -> tuple[int, int] | None:
    """What changes when somebody writes to a file; None where it is gone."""
    try:
        state = source.stat()
    except OSError:
        return None
    return state.st_size, state.st_mtime_ns


def folder_of(job: str, wanted: Path, name: str, cached: OpenEntry) -> OutputFolder | None:
    """The folder called `wanted`, `wanted 2` … that these very results went to, of which none has been changed since.

    Some of its files may be gone. A file that is there but differs is the user's work by now: then the folder is not
    touched.
    """
    for candidate in numbered(wanted):
        if not candidate.is_dir():
            return None
        if _went_to(candidate, name, cached.entry) and _is_unchanged(candidate, name, cached):
            return OutputFolder(job, candidate, ())
    return None


def restore(result: Result, name: str, cached: OpenEntry, folder: OutputFolder) -> Result:
    """Sees that one file of an entry lies in `folder`; returns the result with its path there.

    Raises:
        NotWritable, OutOfSpace: it cannot be written.
    """
    file = result_file(name, result.name, Path(result.path).suffix[1:])
    path = folder.path / file
    if not path.exists():
        content = cached.files[result.path]
        content.seek(0)
        with folder.landing(file) as temporary, temporary.open("xb") as copy:
            shutil.copyfileobj(content, copy, BLOCK_BYTES)
    return msgspec.structs.replace(result, path=str(path))


def _went_to(folder: Path, name: str, entry: Entry) -> bool:
    if folder.is_symlink():
        return False
    try:
        return decode((folder / f"{name}.sab.json").read_bytes()).cache_key == entry.key
    except (OSError, msgspec.MsgspecError):
        return False


def _is_unchanged(folder: Path, name: str, cached: OpenEntry) -> bool:
    for result in cached.entry.results:
        path = folder / result_file(name, result.name, Path(result.path).suffix[1:])
        try:
            with path.open("rb") as file:
                if not _same(file, cached.files[result.path]):
                    return False
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _same(one: IO[bytes], other: IO[bytes]) -> bool:
    other.seek(0)
    while (block := one.read(BLOCK_BYTES)) == other.read(BLOCK_BYTES):
        if not block:
            return True
    return False
