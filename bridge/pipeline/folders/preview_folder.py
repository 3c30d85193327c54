"""The stems of a job that plays live, as WAV files that other programs can read while they grow."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bridge.system.file_lock import open_lock_file, try_lock
from bridge.system.files import SPARE_BYTES
from bridge.system.private_folders import private_folder

#: The folder's name in the cache folder.
FOLDER = "previews"
#: The file in a job's folder that its process locks: without the lock, nobody needs the folder any more.
_LOCK = ".lock"

log = logging.getLogger(__name__)


@contextmanager
def preview_folder(previews: Path | None, job: str, needed_bytes: int) -> Iterator[Path | None]:
    """A private folder for the stems of a job, which is gone after the block with all that lies in it.

    None where there can be none: the job does without, since nothing but its preview depends on it.
    """
    with ExitStack() as held:
        folder = None
        if previews is not None:
            try:
                folder = _new_folder(previews / job, needed_bytes, held)
            except OSError as error:
                held.close()
                log.warning("no preview of the stems: %s", error)
        yield folder


def remove_unused(previews: Path) -> None:
    """Removes what killed processes have left. Whatever cannot be removed stays."""
    with suppress(OSError):
        for folder in [*previews.iterdir()]:
            if not folder.is_symlink() and folder.is_dir() and _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _new_folder(folder: Path, needed_bytes: int, held: ExitStack) -> Path:
    private_folder(folder.parent)
    free = shutil.disk_usage(folder.parent).free
    if free < needed_bytes + SPARE_BYTES:
        raise OSError(f"{folder.parent} has {free / 1e6:,.0f} MB left, which is not enough")
    remove_unused(folder.parent)  # of this job, too, if its worker was killed
    folder.mkdir(mode=0o700)
    held.callback(shutil.rmtree, folder, ignore_errors=True)
    lock = open_lock_file(folder / _LOCK)
    if lock is None:
        raise OSError(f"nothing can be written to {folder}")
    held.callback(lock.close)
    if not try_lock(lock):
        raise OSError(f"another process is about to remove {folder}")
    return folder


def _is_abandoned(folder: Path) -> bool:
    lock = open_lock_file(folder / _LOCK)
    if lock is None:
        return False
    with lock:
        return try_lock(lock)
