"""The database of jobs as one open file: SQL, and nothing about threads or the event loop."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bridge.events import JobEvent
from bridge.lifecycle import fold
from bridge.model import Job
from bridge.store.rows import EventRow, events_in, is_id, job_in
from bridge.store.schema import VERSION, form, migrate, summary_of, version_of
from bridge.system.private_folders import FILE_MODE, private_folder

NAME = "jobs.sqlite"
#: What SQLite keeps beside a database: its journal of either kind, and the index of the first.
COMPANIONS = ("-wal", "-shm", "-journal")
#: What SQLite says of damage as if it were a mistake in the SQL.
_DAMAGE = ("malformed", "unsupported file format", "no such table", "no such column")
#: How long another bridge may take to write.
BUSY_SECONDS = 5.0


class Loaded(NamedTuple):
    """What a bridge takes from the database at its start."""

    jobs: list[Job | list[JobEvent]]
    """Oldest first: each job that is over, and the events of each job of this bridge that is not."""
    in_order_of_end: list[str]
    """The ids of the jobs that are over."""
    open_entries: list[EventRow]
    unreadable: int
    """How many jobs this version cannot read; their rows stay as they are."""


class Database:
    """An open database. All methods may wait for the drive, and raise sqlite3.Error or OSError."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, and makes it if needed.

        Raises:
            NewerDatabase, ForeignDatabase: the file is none of ours; it is unchanged.
            sqlite3.Error, OSError: it is damaged, or cannot be used now: see `is_damage`.
        """
        private_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), FILE_MODE)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"{path} is no file")
            if hasattr(os, "fchmod"):
                with suppress(OSError):  # another account's file in a shared folder
                    os.fchmod(descriptor, FILE_MODE)
        finally:
            os.close(descriptor)
        self._path = path
        self._inode = (found.st_dev, found.st_ino)
        self._connection = connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            version_of(connection)  # before anything is changed
            choose_journal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection)
        except BaseException:
            connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def is_in_place(self) -> bool:
        """Whether the file is still where it was: one that was removed or unmounted takes writes without a word."""
        try:
            found = self._path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._inode

    def copy_to(self, path: Path) -> None:
        """A copy of the whole database, readable even if its file was removed."""
        with sqlite3.connect(path) as copy:
            self._connection.backup(copy)
        copy.close()

    def write(self, entries: Iterable[EventRow], owner: str, limit: int) -> int:
        """Writes all entries or none; returns how many old jobs were removed beyond `limit` finished ones."""
        has_ended = False
        with self._transaction() as execute:
            for entry in entries:
                if entry.is_first:
                    execute("INSERT OR IGNORE INTO jobs (job, owner) VALUES (?, ?)", (entry.job, owner))
                added = execute("INSERT INTO events (job, event) VALUES (?, ?)", (entry.job, entry.event))
                if entry.summary is not None:
                    has_ended = True
                    execute(
                        "UPDATE jobs SET ended = coalesce(ended, ?), form = ?, summary = ? WHERE job = ?",
                        (added.lastrowid, form(), entry.summary, entry.job),
                    )
            return self._prune(limit) if has_ended else 0

    def add(self, jobs: Iterable[tuple[str, Sequence[EventRow]]]) -> None:
        """Adds whole jobs, each with its owner, as far as they are not there yet."""
        with self._transaction() as execute:
            for owner, entries in jobs:
                for entry in entries:
                    _add(execute, entry, owner)

    def load(self, owner: str, limit: int) -> tuple[Loaded, int]:
        """The history, the oldest job first, and the number of old jobs that were removed beyond `limit`."""
        removed = 0
        if self._surplus(limit) > 0:
            with self._transaction():
                removed = self._prune(limit)
        jobs: list[Job | list[JobEvent]] = []
        ends, renewed, open_entries, unreadable = [], [], [], 0
        rows = self._connection.execute(
            "SELECT job, ended, form, summary FROM jobs WHERE ended IS NOT NULL OR owner = ? ORDER BY number", (owner,)
        )
        for job, ended, its_form, summary in rows:
            if not is_id(job):
                continue
            found = None if ended is None else job_in(job, its_form, summary)
            lines = [] if found is not None else self.events(job)
            found = _folded(lines, job) if found is None else found
            if found is None or found.is_over != (ended is not None):
                unreadable += 1
            elif ended is None:
                jobs.append(events_in(job, lines))
                open_entries += [EventRow(job=job, event=line, is_first=not at) for at, line in enumerate(lines)]
            else:
                jobs.append(found)
                ends.append((ended, job))
                if lines:
                    renewed.append((form(), summary_of(found), job))
        if renewed:
            with self._transaction():
                self._connection.executemany("UPDATE jobs SET form = ?, summary = ? WHERE job = ?", renewed)
        return Loaded(jobs, [job for _, job in sorted(ends)], open_entries, unreadable), removed

    def events(self, job: str) -> list[bytes]:
        """The lines of a job, in order."""
        rows = self._connection.execute("SELECT event FROM events WHERE job = ? ORDER BY number", (job,))
        return [bytes(event) if isinstance(event, bytes) else str(event).encode() for (event,) in rows]

    @contextmanager
    def _transaction(self) -> Iterator[Callable[..., sqlite3.Cursor]]:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            yield execute
            execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # it may have been rolled back already
                execute("ROLLBACK")
            raise

    def _surplus(self, limit: int) -> int:
        (count,) = self._connection.execute("SELECT count(*) FROM jobs WHERE ended IS NOT NULL").fetchone()
        return int(count) - limit

    def _prune(self, limit: int) -> int:
        surplus = self._surplus(limit)
        if surplus <= 0:
            return 0
        oldest = "SELECT job FROM jobs WHERE ended IS NOT NULL ORDER BY ended LIMIT ?"
        self._connection.execute(f"DELETE FROM events WHERE job IN ({oldest})", (surplus,))  # noqa: S608 - our own words
        self._connection.execute(f"DELETE FROM jobs WHERE job IN ({oldest})", (surplus,))  # noqa: S608 - our own words
        return surplus


def is_damage(error: Exception) -> bool:
    """Whether the file itself is broken; else it cannot be used now, and may be later."""
    return type(error) is sqlite3.DatabaseError or any(words in str(error) for words in _DAMAGE)


def beside(path: Path) -> Path:
    """Where this version keeps its jobs while a later one's database is at `path`."""
    return path.with_name(f"{path.stem}.{VERSION}{path.suffix}")


def _add(execute: Callable[..., sqlite3.Cursor], entry: EventRow, owner: str) -> None:
    if entry.is_first:
        execute("INSERT OR IGNORE INTO jobs (job, owner) VALUES (?, ?)", (entry.job, owner))
    added = execute(
        "INSERT INTO events (job, event) SELECT ?1, ?2 "
        "WHERE NOT EXISTS (SELECT 1 FROM events WHERE job = ?1 AND event = ?2)",
        (entry.job, entry.event),
    )
    if entry.summary is not None and added.rowcount:
        execute(
            "UPDATE jobs SET form = ?1, summary = ?2, "
            "ended = coalesce(ended, (SELECT max(number) FROM events WHERE job = ?3)) WHERE job = ?3",
            (form(), entry.summary, entry.job),
        )


def choose_journal(connection: sqlite3.Connection) -> None:
    """WAL, or a plain journal on drives where WAL does not work, such as some network homes."""
    try:
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if is_damage(error):
            raise
        connection.execute("PRAGMA journal_mode = TRUNCATE").fetchone()


def _folded(lines: Iterable[bytes], job: str) -> Job | None:
    try:
        return fold(events_in(job, lines))
    except ValueError:
        return None
