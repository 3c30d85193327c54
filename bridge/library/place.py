"""The folder of a library's results, which one run at a time works on."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bridge.errors import NotWritable, RequestError
from bridge.pipeline.folders.output_folder import translate_folder_errors
from bridge.system.file_lock import open_lock_file, try_lock

#: What a run needs for itself lies in this folder of the results; it may be deleted while none runs.
OWN = ".sab-library"
LOCK = "lock"


class LibraryInUse(RequestError):  # noqa: N818 - named as in bridge.errors
    """Another run works on the same folder of results."""


class LibraryPlace:
    """The folder of results, held for one run."""

    def __init__(self, out: Path, lock: BinaryIO) -> None:
        self.out = out
        self._lock = lock

    @property
    def own(self) -> Path:
        """The folder for what a run needs for itself."""
        return self.out / OWN

    def close(self) -> None:
        self._lock.close()


def hold(out: Path) -> LibraryPlace:
    """Makes the folder if it is missing, and takes its lock, which ends with this process; may wait for the drive.

    Raises:
        NotWritable, OutOfSpace: nothing can be written there.
        LibraryInUse: another process has it.
    """
    own = out / OWN
    with translate_folder_errors(out):
        own.mkdir(parents=True, exist_ok=True)
    file = open_lock_file(own / LOCK)
    if file is None:
        raise NotWritable(f"Nothing can be written to {own}.")
    if not try_lock(file):
        file.close()
        raise LibraryInUse(
            f"Another `sab library` already works on {out}.",
            advice="Wait for its end, or give this one another folder with --out.",
        )
    return LibraryPlace(out, file)
