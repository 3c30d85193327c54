"""A database that cannot be used: it is set aside, and what can be read of it is taken over."""

from __future__ import annotations

import json
import mmap
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from pathlib import Path

from bridge.options.record import event_from_json
from bridge.store.database import COMPANIONS
from bridge.store.rows import EventRow, entries_of, is_id, job_in, shortest_history

DAMAGED = ".damaged"
#: No larger file is searched for events outside of its tables.
MAX_SEARCH_BYTES = 512 * 1024 * 1024
#: How many places between the readable ends of a table are tried.
PROBES = 500
#: An event that is longer does not stand in one piece.
PAGE_BYTES = 4096

_EVENT = re.compile(rb'\{"type":"(?:submitted|requeued|started|cancelling|progressed|warned|produced|analysed|ended)"')


def set_aside(path: Path) -> Path:
    """Renames the file, or whatever else is there, with its companions; returns its new path.

    Raises:
        OSError: it cannot be renamed.
    """
    aside = _free(path)
    path.rename(aside)
    for ending in COMPANIONS:
        companion = path.with_name(path.name + ending)
        with suppress(OSError):
            companion.rename(aside.with_name(aside.name + ending))
    return aside


def set_companions_aside(path: Path) -> None:
    """Renames what stands in the place of the database's companions and is no file, so that SQLite never opens it.

    Raises:
        OSError: it cannot be renamed.
    """
    for ending in COMPANIONS:
        companion = path.with_name(path.name + ending)
        if (companion.exists() or companion.is_symlink()) and (companion.is_symlink() or not companion.is_file()):
            companion.rename(_free(companion))


def salvage(path: Path) -> list[tuple[str, list[EventRow]]]:
    """The jobs that can be read from a database that was set aside, each with its owner, the oldest first.

    The owner is empty where it cannot be read. Whatever `path` is, this ends soon and raises nothing.
    """
    if not path.is_file():
        return []
    owners: dict[str, str] = {}
    summaries: dict[str, tuple[object, object]] = {}
    lines: dict[str, dict[bytes, None]] = {}
    is_whole = True
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            jobs, is_whole = _rows(connection, "jobs", "number, job, owner, form, summary")
            for _, job, owner, its_form, summary in jobs:
                if is_id(job) and isinstance(owner, str):
                    owners[job] = owner
                    summaries[job] = (its_form, summary)
            events, events_are_whole = _rows(connection, "events", "number, job, event")
            is_whole = is_whole and events_are_whole
            for _, job, event in events:
                if is_id(job) and isinstance(event, bytes):
                    lines.setdefault(job, {})[event] = None
    except sqlite3.Error:
        is_whole = False
    searched: set[str] = set()
    if not is_whole:
        for event in _searched(path):
            if event not in lines.setdefault(job := _job_of(event), {}):
                lines[job][event] = None
                searched.add(job)
        owners |= _searched_owners(path, lines.keys() - owners.keys())
    found = []
    for job in dict.fromkeys([*owners, *lines]):
        its_lines = [*lines.get(job, ())]
        if job in searched:
            its_lines.sort(key=_rank)
        summary = job_in(job, *summaries.get(job, (None, None)))
        for candidate in (its_lines, shortest_history(summary) if summary is not None else []):
            with suppress(ValueError):
                entries = entries_of(job, candidate)
                if summary is None or entries[-1].summary is not None:
                    found.append((owners.get(job, ""), entries))
                    break
    return found


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> tuple[list[tuple[object, ...]], bool]:
    """All rows of a table that can be read, by their numbers; and whether none was lost."""
    found: dict[int, tuple[object, ...]] = {}

    def read(rest: str, *values: int) -> bool:
        try:
            for row in connection.execute(f"SELECT {columns} FROM {table} {rest}", values):  # noqa: S608 - our own words
                if row[0] in found and "DESC" in rest:
                    break
                found[row[0]] = row
        except (sqlite3.Error, UnicodeError):
            return False
        return True

    is_whole = read("NOT INDEXED ORDER BY number")
    if not is_whole:
        lowest = max(found, default=0)
        read("NOT INDEXED ORDER BY number DESC")
        highest = min((number for number in found if number > lowest), default=lowest + 100 * PROBES)
        step = max(1, (highest - lowest) // PROBES)
        for number in range(lowest + 1, highest, step):
            read("NOT INDEXED WHERE number BETWEEN ? AND ? ORDER BY number", number, number + step - 1)
    return [found[number] for number in sorted(found)], is_whole


def _searched(path: Path) -> Iterator[bytes]:
    """The lines of events that stand in the file as text, whatever has become of its tables."""
    for file in (path, path.with_name(path.name + COMPANIONS[0])):
        with suppress(OSError, ValueError):  # ValueError: an empty file
            if file.is_file() and file.stat().st_size <= MAX_SEARCH_BYTES:
                with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
                    yield from _events_in(content)


def _events_in(content: mmap.mmap) -> Iterator[bytes]:
    decoder = json.JSONDecoder()
    for match in _EVENT.finditer(content):
        text = content[match.start() : match.start() + PAGE_BYTES]
        end = text.find(b"\0")  # what follows a row is rarely text
        with suppress(ValueError, RecursionError):
            decoded = (text if end < 0 else text[:end]).decode("utf-8", "surrogateescape")
            _, length = decoder.raw_decode(decoded)
            line = decoded[:length].encode("utf-8", "surrogateescape")
            if is_id(event_from_json(line).job):
                yield line


def _searched_owners(path: Path, jobs: Collection[str]) -> dict[str, str]:
    """The owners that stand behind the jobs in rows of the table, where a bridge's folder has that name."""
    found: dict[str, str] = {}
    with suppress(OSError):
        content = path.read_bytes() if jobs and path.stat().st_size <= MAX_SEARCH_BYTES else b""
        for match in re.finditer(rb"([a-z]{8})(\d{1,5}(?:-[0-9A-Za-z._]+)?)", content):
            job, owner = match[1].decode(), match[2].decode()
            if job in jobs and (path.parent / owner).is_dir():
                found[job] = owner
    return found


def _job_of(line: bytes) -> str:
    return event_from_json(line).job


def _rank(line: bytes) -> int:
    """The order of events whose places are not known: `Requeued` early, because it forgets results."""
    return next((rank for kind, rank in _RANKS.items() if line.startswith(kind)), 2)


_RANKS = {b'{"type":"submitted"': 0, b'{"type":"requeued"': 1, b'{"type":"ended"': 3}


def _free(path: Path) -> Path:
    for number in range(1, 10_000):
        candidate = path.with_name(path.name + DAMAGED + (f"-{number}" if number > 1 else ""))
        if not candidate.exists() and not candidate.is_symlink():
            return candidate
    raise FileExistsError(f"too many damaged files beside {path}")
