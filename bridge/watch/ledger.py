"""What was done with each clip of a watched folder: on the drive, so that no end of the process loses or repeats any.

A ledger lies in the state folder, never in the user's. One program at a time has it; others may read it.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import BinaryIO

from bridge.errors import NotWritable, RequestError
from bridge.store.damage import set_aside, set_companions_aside
from bridge.store.database import BUSY_SECONDS, choose_journal, is_damage
from bridge.store.own_folder import released
from bridge.system.file_lock import open_lock_file, try_lock
from bridge.system.private_folders import new_private_file, private_folder
from bridge.watch.values import FileState, WatchedClip

VERSION = 1
_FORM = """
CREATE TABLE IF NOT EXISTS clips (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, state TEXT NOT NULL,
    digest TEXT NOT NULL, job TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, unix_seconds REAL NOT NULL
) WITHOUT ROWID
"""
_STATES = ("waiting", "submitted", "done", "failed")


class FolderWatched(RequestError):  # noqa: N818 - named as in bridge.errors
    """Another program watches the folder."""


class ClipLedger:
    """The ledger of one folder, held until `close`. Every method may wait for the drive of the state folder.

    Its methods may be called on any thread; one that was not awaited to its end may still run when it is closed.
    """

    def __init__(self, state_dir: Path, folder: Path) -> None:
        """
        Raises:
            FolderWatched: another program has it.
            NotWritable: it cannot be written.
        """
        self._path = ledger_path(state_dir, folder)
        self._turn = threading.Lock()
        """One thread at a time uses the connection: SQLite crashes where it is closed meanwhile."""
        self.was_damaged = False
        try:
            private_folder(self._path.parent)
            self._lock = _locked(self._path.with_suffix(".lock"), folder)
            try:
                self._connection = self._opened(folder)
            except BaseException:
                self._release()
                raise
        except (sqlite3.Error, OSError) as error:
            raise _not_written(self._path, error) from error

    def read(self) -> dict[str, WatchedClip]:
        """Every clip, by its path. Raises NotWritable: its drive fails."""
        try:
            with self._turn:
                return _clips_in(self._connection)
        except sqlite3.Error as error:
            raise _not_written(self._path, error) from error

    def put(self, clips: Iterable[WatchedClip]) -> None:
        """Writes all of them or none. They are on the drive when this returns.

        Raises:
            NotWritable: they cannot be written.
        """
        self._execute("INSERT OR REPLACE INTO clips VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_row, clips))

    def remove(self, paths: Iterable[str]) -> None:
        """Forgets clips. Raises as `put`."""
        self._execute("DELETE FROM clips WHERE path = ?", ((os.fsencode(path),) for path in paths))

    def _execute(self, words: str, rows: Iterable[tuple[object, ...]]) -> None:
        try:
            with self._turn, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(words, rows)
        except sqlite3.Error as error:
            raise _not_written(self._path, error) from error

    def close(self) -> None:
        """Lets others have it."""
        with self._turn, suppress(sqlite3.Error):
            self._connection.close()
        self._release()

    def _release(self) -> None:
        with released(self._lock):
            pass

    def _opened(self, folder: Path) -> sqlite3.Connection:
        try:
            set_companions_aside(self._path)
            return _connection(self._path, folder)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        self.was_damaged = True
        set_aside(self._path)
        return _connection(self._path, folder)


def ledger_path(state_dir: Path, folder: Path) -> Path:
    """Where the ledger of a folder lies: named by a hash of its path."""
    name = hashlib.sha256(os.path.normcase(os.fspath(folder)).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state_dir / "watch" / f"{name}.sqlite"


def read_ledger(state_dir: Path, folder: Path) -> Mapping[str, WatchedClip]:
    """What the ledger of a folder says, also while another program has it; empty: the folder was never watched.

    Raises:
        NotWritable: it is damaged, or cannot be read.
    """
    path = ledger_path(state_dir, folder)
    try:
        if not path.is_file():
            return {}
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            return _clips_in(connection)
    except (sqlite3.Error, OSError) as error:
        raise _not_written(path, error) from error


def _locked(path: Path, folder: Path) -> BinaryIO | None:
    file = open_lock_file(path)
    if file is not None and not try_lock(file):
        file.close()
        raise FolderWatched(
            f"{folder} is watched already, by another `sab watch`, or by a bridge with the setting `watch`.",
            advice="End that one, or let it go on.",
        )
    return file


def _connection(path: Path, folder: Path) -> sqlite3.Connection:
    if not path.exists():
        with suppress(FileExistsError):
            new_private_file(path).close()
    # Each call runs on a thread of its own, after the one before.
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        choose_journal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise NotWritable(
                f"The record of {folder} was written by a later version of the bridge.", advice="Start that version."
            )
        connection.execute(_FORM)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        _clips_in(connection)  # raises where any of it is damaged
    except BaseException:
        connection.close()
        raise
    return connection


def _clips_in(connection: sqlite3.Connection) -> dict[str, WatchedClip]:
    """Every clip, by its path; where a text is damaged, it has U+FFFD. Raises sqlite3.Error."""
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    rows = connection.execute(
        "SELECT path, size, modified_ns, state, digest, job, code, message, unix_seconds FROM clips"
    )
    clips = {}
    for path, size, modified_ns, state, digest, job, code, message, unix_seconds in rows:
        if state in _STATES:
            name = os.fsdecode(path)
            clips[name] = WatchedClip(
                path=name,
                file=FileState(size, modified_ns),
                state=state,
                digest=digest,
                job=job,
                code=code,
                message=message,
                unix_seconds=unix_seconds,
            )
    return clips


def _row(clip: WatchedClip) -> tuple[object, ...]:
    state = clip.file
    path = os.fsencode(clip.path)
    return (
        *(path, state.size, state.modified_ns, clip.state),
        *(clip.digest, clip.job, clip.code, clip.message, clip.unix_seconds),
    )


def _not_written(path: Path, error: Exception) -> NotWritable:
    reason = getattr(error, "strerror", None) or error
    return NotWritable(
        f"The record of watched folders, {path}, cannot be used: {reason}.",
        advice="Check that drive, or name another folder with --state-dir.",
    )
