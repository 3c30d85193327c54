"""Where audio is written: a path, or a file that is already open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

Target: TypeAlias = "Path | BinaryIO"


@contextmanager
def opened(target: Target, mode: str) -> Iterator[BinaryIO]:
    """`target` itself, which stays open, or the file at that path until the block ends. Raises OSError."""
    if isinstance(target, Path):
        with target.open(mode) as file:
            yield file  # type: ignore[misc]  # the mode is binary
    else:
        yield target


class NotedErrors:
    """A file for libsndfile, which calls back from C: an exception would be printed there and lost.

    The first one is kept in `error`, and every call after it fails.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.error is not None:
            return 0
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            return 0

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # what was buffered could not be written
            self.error = self.error or error
            return -1

    def tell(self) -> int:
        try:
            return self._file.tell()
        except OSError as error:
            self.error = self.error or error
            return -1

    def read(self, size: int) -> bytes:
        return self._file.read(size)
