"""A part of a file as a file of its own, for decoders that would otherwise believe a wrong header or stop too early."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.system.files import open_to_read

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


@dataclass(frozen=True)
class FilePart:
    """The bytes `start` to `stop` of a file, behind `head`; as a rule the whole file, just as it is."""

    path: Path
    start: int = 0
    stop: int | None = None
    """None: the end of the file."""
    head: bytes = b""
    """Stands in place of the bytes before `start`."""

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.stop is None and not self.head

    def open(self) -> PartReader:
        """The part, to be read.

        Raises:
            OSError: the file cannot be read.
        """
        return PartReader(self)


class PartReader(io.RawIOBase):
    """Reads a `FilePart`, positions counted from its first byte."""

    def __init__(self, part: FilePart) -> None:
        super().__init__()
        self._file = open_to_read(part.path)
        end = self._file.seek(0, os.SEEK_END)
        self._start = part.start
        self._head = part.head
        self._size = len(part.head) + max(0, (end if part.stop is None else min(part.stop, end)) - part.start)
        self._position = 0
        self._file_position = -1
        self.name = str(part.path)  # FFmpeg looks at its extension

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        content = self._next(len(memoryview(buffer)))
        memoryview(buffer)[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _next(self, count: int) -> bytes:
        count = min(count, self._size - self._position)
        if count <= 0:
            return b""
        if self._position < len(self._head):
            return self._head[self._position : self._position + count]
        at = self._start + self._position - len(self._head)
        if at != self._file_position:
            self._file.seek(at)
        content = self._file.read(count)
        self._file_position = at + len(content)
        return content

    def close(self) -> None:
        self._file.close()
        super().close()
