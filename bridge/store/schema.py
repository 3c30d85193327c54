"""The tables of the database of jobs, and the steps from each version of them to the next."""

from __future__ import annotations

import sqlite3
import zlib
from functools import cache

import msgspec

from bridge.model import Job

#: Marks a file as ours: "SABj", as SQLite's `application_id`.
APPLICATION_ID = 0x5341426A

#: The statements that lead from version N to version N + 1. A published step never changes.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `ended`: the number of the job's last event, while it is open NULL. `summary`: the folded job, see `form`.
        """CREATE TABLE jobs (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            job TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL,
            ended INTEGER,
            form INTEGER,
            summary BLOB
        )""",
        "CREATE TABLE events (number INTEGER PRIMARY KEY AUTOINCREMENT, job TEXT NOT NULL, event BLOB NOT NULL)",
        "CREATE INDEX jobs_by_end ON jobs (ended)",
        "CREATE INDEX events_by_job ON events (job)",
    ),
)
VERSION = len(MIGRATIONS)
#: To be raised when `lifecycle` folds the same events into another job.
_FOLD = 1


class NewerDatabase(Exception):  # noqa: N818 - no fault of the file
    """The database was written by a later version of the bridge."""


class ForeignDatabase(Exception):  # noqa: N818 - no fault of the file
    """The file is a database of another program."""


def migrate(connection: sqlite3.Connection, steps: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Brings the tables up to date, in one transaction.

    Raises:
        NewerDatabase, ForeignDatabase: nothing was changed.
        sqlite3.Error: it cannot be read or written.
    """
    version_of(connection, steps)
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(connection, steps)  # another bridge may just have done it
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        if version < len(steps):
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection, steps: tuple[tuple[str, ...], ...] = MIGRATIONS) -> int:
    """The version of the tables; 0: there are none. Only reads.

    Raises:
        NewerDatabase, ForeignDatabase: they are not of this bridge.
        sqlite3.Error: it cannot be read.
    """
    version = _pragma(connection, "user_version")
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not is_empty and _pragma(connection, "application_id") != APPLICATION_ID:
        raise ForeignDatabase
    if version > len(steps):
        raise NewerDatabase(str(version))
    return version


@cache
def form() -> int:
    """Identifies what a summary holds: one of another form is not read, but folded anew from the events."""
    return zlib.crc32(msgspec.json.encode([_FOLD, msgspec.json.schema(Job)]))


def summary_of(job: Job) -> bytes:
    return msgspec.msgpack.encode(job)


#: Raises msgspec.MsgspecError for what is no summary of this form.
read_summary = msgspec.msgpack.Decoder(Job).decode


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
