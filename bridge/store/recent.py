"""The events of the last jobs, for a bug report: read from outside, whatever state the store is in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from bridge.store.database import NAME
from bridge.system.files import parsed

#: One event in JSON's types; also of a kind that this version does not know.
EventRecord: TypeAlias = dict[str, object]
_decode = msgspec.json.Decoder(dict[str, object]).decode


def recent_histories(state_dir: Path, count: int) -> list[list[EventRecord]]:
    """The events of each of the last `count` jobs of all bridges, oldest first; damaged ones are left out.

    Changes nothing, and a running bridge is not disturbed.

    Raises:
        OSError, sqlite3.Error: the store is there, and cannot be read.
    """
    newest = _in_database(state_dir / NAME, count)
    return [events for lines in newest if (events := [*_readable(lines)])]


def _in_database(path: Path, count: int) -> list[list[bytes]]:
    if not path.is_file():
        return []
    try:
        return _rows(path, "mode=ro", count)
    except sqlite3.OperationalError:  # its folder cannot be written, so no index of its journal can be made there
        return _rows(path, "immutable=1", count)


def _rows(path: Path, how: str, count: int) -> list[list[bytes]]:
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?{how}", uri=True, timeout=1.0)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        jobs = connection.execute("SELECT job FROM jobs ORDER BY number DESC LIMIT ?", (count,)).fetchall()
        wanted = "SELECT CAST(event AS BLOB) FROM events WHERE job = ? ORDER BY number"
        return [[bytes(event) for (event,) in connection.execute(wanted, job)] for job in reversed(jobs)]


def _readable(lines: list[bytes]) -> Iterator[EventRecord]:
    for line in lines:
        with suppress(ValueError):
            yield parsed(line, _decode)
