"""The history of versions before the database: a file of JSON lines for each job, imported once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bridge.events import Submitted
from bridge.store.rows import EventRow, entries_of, events_in, is_id
from bridge.system.files import read_small

ENDING = ".jsonl"
#: What is appended to the name of a folder whose journals have been imported.
IMPORTED = ".imported"


class Imported(NamedTuple):
    """What the journals of a bridge hold."""

    jobs: list[list[EventRow]]
    """The entries of each job, oldest first."""
    folders: list[Path]
    """Where they were read; see `move_aside`."""
    damaged: list[Path]
    """Journals of which something cannot be read."""
    left: int
    """How many older ones were not read."""


def read_journals(own: Path, shared: Path, limit: int) -> Imported:
    """The jobs in `own`, the folder of this bridge's open jobs, and the newest `limit` jobs in the `shared` history."""
    folders = [folder for folder in (own, shared) if folder.is_dir() and not folder.is_symlink()]
    open_jobs = _journals(own) if own in folders else []
    newest = sorted(_journals(shared) if shared in folders else [], key=_changed_unix, reverse=True)
    jobs: list[tuple[float, list[EventRow]]] = []
    damaged = []
    for path in [*newest[:limit], *open_jobs]:
        job = path.name.removesuffix(ENDING)
        try:
            lines = read_small(path).splitlines()
        except (OSError, ValueError):
            damaged.append(path)
            continue
        whole = [line for line in lines if events_in(job, [line]) or _may_be_newer(line)]
        if len(whole) < len(lines) or not lines:
            damaged.append(path)
        try:
            jobs.append((_submitted_unix(job, whole), entries_of(job, whole)))
        except ValueError:  # its first line is lost
            damaged += [path] if path not in damaged[-1:] else []
    jobs.sort(key=lambda pair: pair[0])
    return Imported([entries for _, entries in jobs], folders, damaged, max(0, len(newest) - limit))


def move_aside(folders: Iterable[Path]) -> None:
    """Renames the folders, so that they are not imported again. What cannot be renamed is imported again, in vain."""
    for folder in folders:
        for number in range(1, 1000):
            aside = folder.with_name(folder.name + IMPORTED + (f"-{number}" if number > 1 else ""))
            if not aside.exists():
                with suppress(OSError):
                    folder.rename(aside)
                break


def imported_path(path: Path) -> Path:
    """Where a journal lies after `move_aside`, if it is the first one."""
    return path.parent.with_name(path.parent.name + IMPORTED) / path.name


def _journals(folder: Path) -> list[Path]:
    """Only plain files named like a job: nothing else there was written by the bridge."""
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix == ENDING and is_id(path.stem) and path.is_file() and not path.is_symlink():
                found.append(path)
    return found


def _may_be_newer(line: bytes) -> bool:
    """Whether it looks like an event of a later version, which is kept as it is."""
    known = rb"submitted|started|progressed|warned|produced|analysed|ended"
    return re.match(rb'\{"type":"(?!(?:%s)")[a-z_]+",.*\}$' % known, line) is not None


def _submitted_unix(job: str, lines: Iterable[bytes]) -> float:
    events = events_in(job, lines)
    return next((event.unix_seconds for event in events if isinstance(event, Submitted)), 0.0)


def _changed_unix(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
