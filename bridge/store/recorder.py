"""The thread that writes the history, so that the event loop never waits for a drive."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias, TypeVar

from bridge.events import Noticed
from bridge.store.damage import salvage, set_aside, set_companions_aside
from bridge.store.database import NAME, Database, Loaded, beside, is_damage
from bridge.store.journals import imported_path, move_aside, read_journals
from bridge.store.rows import EventRow
from bridge.store.schema import ForeignDatabase, NewerDatabase
from bridge.system.private_folders import private_folder

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How often writing is tried again while it fails.
RETRY_SECONDS = 5.0
#: Called on the thread, with why an entry could not be written, in words; empty: it is on the drive.
Done: TypeAlias = Callable[[str], None]


class Recorder:
    """Commits entries in groups: all that have come while the last group was being written.

    What cannot be written stays here and is tried again. `notice` is called on the thread.
    """

    def __init__(
        self,
        folder: Path,
        owner: str,
        *,
        limit: int,
        notice: Callable[[Noticed], None],
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        """`folder`: of all bridges of the user; `owner`: the name of this bridge's own folder in it."""
        self._folder = folder
        self._owner = owner
        self._limit = limit
        self._notice = notice
        self._retry_seconds = retry_seconds
        self._queue = deque[tuple[EventRow, Done | None] | Callable[[], None]]()
        self._has_work = threading.Condition()
        self._is_closing = False
        self._database: Database | None = None
        self._problem = ""
        self._has_told_of_removal = False
        self._pending: list[EventRow] = []
        self._open: dict[str, list[EventRow]] = {}
        """What was written of the jobs that are not over: it is written again where the file is lost."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="history")
        self._thread.start()

    def write(self, entry: EventRow, done: Done | None = None) -> None:
        """Writes soon; returns at once."""
        self._put((entry, done))

    def after_writing(self, done: Done) -> None:
        """Calls `done` when all entries so far were written, or tried; returns at once."""
        self._put(lambda: done(self._problem))

    def load(self) -> Loaded:
        """Opens the database, imports what an earlier version has left, and reads it; waits."""
        return self._call(self._load)

    def flush(self) -> str:
        """Waits until everything is written, or was tried; returns why it could not be."""
        return self._call(lambda: self._problem)

    def close(self, timeout_seconds: float) -> None:
        """Writes what waits, and ends the thread; gives up on a drive that does not answer."""
        with self._has_work:
            self._is_closing = True
            self._has_work.notify()
        self._thread.join(timeout_seconds)

    def _put(self, item: tuple[EventRow, Done | None] | Callable[[], None]) -> None:
        with self._has_work:
            self._queue.append(item)
            self._has_work.notify()

    def _call(self, work: Callable[[], T]) -> T:
        result: Future[T] = Future()

        def settle() -> None:
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)

        self._put(settle)
        return result.result()

    def _run(self) -> None:
        while True:
            with self._has_work:
                if not self._queue and not self._is_closing:
                    self._has_work.wait(self._retry_seconds if self._problem else None)
                items, is_closing = [*self._queue], self._is_closing
                self._queue.clear()
            try:
                self._do(items)
            except Exception:
                log.exception("the history cannot be written")
            if is_closing and not self._queue:
                break
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()

    def _do(self, items: Sequence[tuple[EventRow, Done | None] | Callable[[], None]]) -> None:
        """Writes all entries in one group, then does the rest."""
        entries = [item for item in items if isinstance(item, tuple)]
        self._pending += [entry for entry, _ in entries]
        if self._pending or self._problem:
            self._commit()
        for _, done in entries:
            if done is not None:
                done(self._problem)
        for item in items:
            if not isinstance(item, tuple):
                item()

    def _commit(self) -> None:
        try:
            database = self._usable_database()
            try:
                removed = database.write(self._pending, self._owner, self._limit)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                database = self._replaced(error)
                removed = database.write(self._pending, self._owner, self._limit)
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return
        for entry in self._pending:
            if entry.summary is not None:
                self._open.pop(entry.job, None)
            elif entry.is_first or entry.job in self._open:
                self._open.setdefault(entry.job, []).append(entry)
        self._pending = []
        self._tell_of_removal(removed)
        if self._problem:
            self._problem = ""
            self._notice(Noticed(level="info", message=f"The history of jobs is written to {self._folder} again."))

    def _fail(self, error: Exception) -> None:
        is_new = not self._problem
        self._problem = str(getattr(error, "strerror", None) or error)
        if is_new:
            message = (
                f"The history of jobs cannot be written to {self._folder} ({self._problem}). Jobs go on; those "
                "that are not done are lost if the bridge ends before there is room or access again."
            )
            self._notice(Noticed(level="warning", message=message))

    def _usable_database(self) -> Database:
        """The open database; opened again where its file or folder was taken away."""
        if self._database is None:
            self._database = self._opened()
            self._restore_open_jobs(self._database)
        elif not self._database.is_in_place():
            lost, self._database = self._database, None
            path = self._folder / NAME
            if not path.exists():
                with suppress(sqlite3.Error, OSError):
                    private_folder(self._folder)
                    copy = path.with_name(f"{path.name}.copy-{self._owner}")
                    copy.unlink(missing_ok=True)
                    lost.copy_to(copy)
                    if not path.exists():
                        copy.rename(path)
            lost.close()
            self._database = self._opened()
            self._restore_open_jobs(self._database)
        return self._database

    def _opened(self) -> Database:
        """The database; a new one where it is not ours or broken.

        Raises:
            sqlite3.Error, OSError: none can be used now.
        """
        path = self._folder / NAME
        set_companions_aside(path)
        is_there = path.exists() or path.is_symlink()
        if is_there and (not path.is_file() or path.stat().st_size == 0):
            return self._made_anew(path, "is no file" if not path.is_file() else "was empty")
        try:
            return Database(path)
        except NewerDatabase:
            other = beside(path)
            message = (
                f"{path} was written by a later version of the bridge. It stays as it is; this version keeps its "
                f"jobs in {other.name}. Start the later version to see and finish the others."
            )
            self._notice(Noticed(level="warning", message=message))
            return Database(other)
        except ForeignDatabase:
            return self._made_anew(path, "belongs to another program")
        except (sqlite3.Error, PermissionError) as error:
            is_closed_file = path.is_file() and isinstance(error, PermissionError)
            if not is_closed_file and not is_damage(error):
                raise
            return self._made_anew(path, "was damaged" if is_damage(error) else "may not be changed")

    def _made_anew(self, path: Path, reason: str) -> Database:
        aside = set_aside(path)
        jobs = salvage(aside)
        database = Database(path)
        database.add([(owner or self._owner, entries) for owner, entries in jobs])
        count = f"{len(jobs)} {'job was' if len(jobs) == 1 else 'jobs were'} read from it"
        message = (
            f"The history of jobs {reason}: it was set aside as {aside}. {count if jobs else 'Nothing could be read'}."
        )
        self._notice(Noticed(level="warning", message=message))
        return database

    def _replaced(self, error: Exception) -> Database:
        """The database after it was found to be broken while it was in use."""
        log.warning("the history is damaged: %s", error)
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
            self._database = None
        database = self._database = self._made_anew(self._folder / NAME, "was damaged")
        self._restore_open_jobs(database)
        return database

    def _restore_open_jobs(self, database: Database) -> None:
        if self._open:
            database.add([(self._owner, entries) for entries in self._open.values()])

    def _load(self) -> Loaded:
        try:
            database = self._usable_database()
            try:
                return self._loaded(database)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
                return self._loaded(self._replaced(error))
        except (sqlite3.Error, OSError) as error:
            self._fail(error)
            return Loaded([], [], [], 0)

    def _loaded(self, database: Database) -> Loaded:
        self._import_journals(database)
        loaded, removed = database.load(self._owner, self._limit)
        self._tell_of_removal(removed)
        for entry in loaded.open_entries:
            self._open.setdefault(entry.job, []).append(entry)
        if loaded.unreadable:
            jobs = "One job" if loaded.unreadable == 1 else f"{loaded.unreadable} jobs"
            message = f"{jobs} in the history cannot be shown: written by a later version, or damaged. The rows stay."
            self._notice(Noticed(level="warning", message=message))
        return loaded

    def _import_journals(self, database: Database) -> None:
        found = read_journals(self._folder / self._owner / "jobs", self._folder / "jobs", self._limit)
        if not found.folders:
            return
        database.add([(self._owner, entries) for entries in found.jobs])
        move_aside(found.folders)
        if found.left:
            jobs = "job was" if found.left == 1 else "jobs were"
            message = f"{found.left} older {jobs} not taken over (history_limit = {self._limit}). The files stay in "
            self._notice(
                Noticed(level="info", message=f"{message}{imported_path(self._folder / 'jobs' / 'x').parent}.")
            )
        if found.damaged:
            count = len(found.damaged)
            jobs = "The history of one job" if count == 1 else f"The history of {count} jobs"
            first = imported_path(found.damaged[0])
            where = f"the damaged file is {first}" if count == 1 else f"the first damaged file is {first}"
            message = f"{jobs} was damaged; the readable part was kept, and {where}."
            self._notice(Noticed(level="warning", message=message))

    def _tell_of_removal(self, count: int) -> None:
        if not count or self._has_told_of_removal:
            return
        self._has_told_of_removal = True
        jobs = "finished job was" if count == 1 else "finished jobs were"
        message = (
            f"{count} old {jobs} removed from the history; the newest {self._limit} stay (history_limit). Files stay."
        )
        self._notice(Noticed(level="info", message=message))
