"""The lock on a bridge's own folder: two servers never share one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bridge.errors import RequestError
from bridge.system.file_lock import try_lock
from bridge.system.private_folders import FILE_MODE, private_folder

LOCK = "lock"


class FolderInUse(RequestError):  # noqa: N818 - named as in bridge.errors
    """Another bridge that runs now keeps its jobs in this folder."""


def lock_folder(folder: Path) -> BinaryIO | None:
    """Takes the lock of a bridge's own folder until the file is closed, or the process has ended in whatever way.

    Returns None where no file can be made: nothing is kept there then. It may wait for the drive.

    Raises:
        FolderInUse: another process holds it.
    """
    try:
        private_folder(folder)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.fdopen(os.open(folder / LOCK, flags, FILE_MODE), "r+b", buffering=0)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        return None
    if not try_lock(file):
        file.close()
        raise FolderInUse(
            f"Another bridge is running that keeps its jobs in {folder}.",
            advice="Quit it, or give this one a folder of its own with --state-dir.",
        )
    return file


@contextmanager
def released(file: BinaryIO | None) -> Iterator[None]:
    """Releases the lock after the block."""
    try:
        yield
    finally:
        if file is not None:
            with suppress(OSError):
                file.close()
