"""A job's claim on its output folder: a hidden file, locked as long as the job's process lives.

Two jobs that would write files of the same name to one folder exclude each other by it, also in different processes.
After a kill the file stays, without its lock: the next claim takes it over, and with it the duty to remove the folders
that were made for the job.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from bridge.system.directory import Directory
from bridge.system.file_lock import try_lock
from bridge.system.files import parsed
from bridge.value import Value

ENDING = ".claim"
#: A claim is far smaller.
MAX_BYTES = 1 << 16
#: Somebody may remove the file between its opening and its locking; each attempt begins with a new one.
ATTEMPTS = 16


class ClaimRecord(Value, frozen=True, kw_only=True):
    """The content of a claim's file."""

    job: str
    created: tuple[str, ...] = ()
    """The folders that were made for the job, topmost first."""


def claim_file_name(name: str) -> str:
    """The file of a claim on the file names of the job called `name`."""
    return f".{name}{ENDING}"


class FolderClaim:
    """A claim that is held until `release`."""

    def __init__(self, directory: Directory, file_name: str, file: BinaryIO, before: ClaimRecord | None) -> None:
        self._directory = directory
        self._file_name = file_name
        self._file = file
        self.before = before
        """What the claim of a job that was killed says; None: there was none."""

    def record(self, job: str, created: Sequence[Path]) -> None:
        """Writes who holds the claim. Raises OSError."""
        self._file.seek(0)
        self._file.truncate()
        self._file.write(msgspec.json.encode(ClaimRecord(job=job, created=tuple(map(str, created)))))
        self._file.flush()

    def release(self) -> None:
        """Removes the file; may be called more than once."""
        if self._file.closed:
            return
        if sys.platform == "win32":  # an open file cannot be removed there
            self._close()
            self._directory.remove(self._file_name)
        else:
            try:
                if self._directory.is_named(self._file, self._file_name):
                    self._directory.remove(self._file_name)
            finally:
                self._close()

    def _close(self) -> None:
        with suppress(OSError):  # a full drive: what was buffered no longer matters
            self._file.close()


def claim_names(directory: Directory, name: str) -> FolderClaim | None:
    """Claims the file names of the job called `name` in a folder; None: another job, which is running, has them.

    Raises:
        OSError: nothing can be written there, or something else has the name of the claim's file.
    """
    file_name = claim_file_name(name)
    for _ in range(ATTEMPTS):
        file = directory.create_or_open(file_name)
        if not try_lock(file):
            file.close()
            return None
        if directory.is_named(file, file_name):
            return FolderClaim(directory, file_name, file, _read(file))
        file.close()
    return None


def abandoned_by(directory: Directory, file_name: str) -> str:
    """The job whose claim this file is, if it does not run any more; empty: there is none."""
    try:
        with directory.open(file_name) as file:
            found = _read(file) if try_lock(file) else None
    except OSError:
        return ""
    return "" if found is None else found.job


def is_held_by(directory: Directory, file_name: str, job: str) -> bool:
    """Whether this claim is that of a job which runs at the moment. Other jobs' claims are not touched."""
    try:
        with directory.open(file_name) as file:
            found = _read(file)
            return found is not None and found.job == job and not try_lock(file)
    except OSError:
        return False


def remove_abandoned(directory: Directory, file_name: str, job: str) -> None:
    """Removes a claim's file if it is the claim of that job, which does not run any more."""
    with suppress(OSError):
        file = directory.create_or_open(file_name)
        found = FolderClaim(directory, file_name, file, _read(file))
        if try_lock(file) and found.before is not None and found.before.job == job:
            found.release()
        else:
            file.close()


def _read(file: BinaryIO) -> ClaimRecord | None:
    try:
        file.seek(0)
        return parsed(file.read(MAX_BYTES), msgspec.json.Decoder(ClaimRecord).decode)
    except (OSError, ValueError):
        return None
