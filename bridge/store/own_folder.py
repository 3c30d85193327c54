"""The lock on a bridge's own folder: two servers never share one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bridge.errors import RequestError
from bridge.system.file_lock import open_lock_file, try_lock
from bridge.system.private_folders import private_folder

LOCK = "lock"


class FolderInUse(RequestError):  # noqa: N818 - named as in bridge.errors
    """Another bridge that runs now keeps its jobs in this folder."""


def lock_folder(folder: Path) -> BinaryIO | None:
    """Takes the lock of a bridge's own folder until the file is closed, or the process has ended in whatever way.

    Returns None where no file can be made: nothing is kept there then. It may wait for the drive.

    Raises:
        FolderInUse: another process holds it.
    """
    with suppress(OSError):  # then the file cannot be made either
        private_folder(folder)
    file = open_lock_file(folder / LOCK)
    if file is not None and not try_lock(file):
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
