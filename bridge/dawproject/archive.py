"""The ZIP file of a project: stored, not compressed, with fixed dates, so that equal members give equal bytes.

A member's checksum stands before its content, as every program that reads ZIP files expects, and is known only after
it. So each member is read twice, once for what `zipfile` writes around the members, and once for the file itself; a
member of any length needs the memory of one block.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from bridge.errors import NotWritable
from bridge.score.xml_text import xml_text

#: The first day that a ZIP file can name.
DATE = (1980, 1, 1, 0, 0, 0)
_UNIX, _REGULAR_FILE = 3, 0o100644 << 16
FOLDER = "audio"


@dataclass(frozen=True)
class Member:
    """A file of the archive."""

    path: str
    """Relative, with `/` between folders."""
    blocks: Callable[[], Iterator[bytes]]
    """Yields the file's bytes; each call starts from the beginning."""
    size_bytes: int = 0
    """Its length if it may exceed 2 GB; 0: it does not."""


def audio_paths(files: Sequence[str]) -> list[str]:
    """A path for each audio file, which a ZIP file and XML can hold; no two are alike, also where case is ignored."""
    paths: dict[str, str] = {}
    for file in files:
        name = PurePosixPath(xml_text(file).replace("/", "_"))
        path, number = f"{FOLDER}/{name}", 1
        while path.casefold() in paths:
            number += 1
            path = f"{FOLDER}/{name.stem} {number}{name.suffix}"
        paths[path.casefold()] = path
    return [*paths.values()]


def archive_blocks(members: Sequence[Member]) -> Iterator[bytes]:
    """The bytes of the archive in blocks; beyond 4 GB it is a ZIP64 file.

    Raises:
        NotWritable: a member was changed while it was read.
    """
    frame = _Frame()
    with ZipFile(frame, "w", ZIP_STORED) as archive:
        for member in members:
            info = ZipInfo(member.path, DATE)
            info.create_system, info.external_attr, info.file_size = _UNIX, _REGULAR_FILE, member.size_bytes
            with archive.open(info, "w") as content, frame.leaving_out():
                for block in member.blocks():
                    content.write(block)
    following = {info.header_offset: (member, info) for member, info in zip(members, archive.infolist(), strict=True)}
    for place, piece in sorted(frame.pieces.items()):
        yield piece
        if place in following:
            yield from _as_counted(*following[place])


def _as_counted(member: Member, info: ZipInfo) -> Iterator[bytes]:
    length = check = 0
    for block in member.blocks():
        length, check = length + len(block), zlib.crc32(block, check)
        yield block
    if (length, check) != (info.file_size, info.CRC):
        raise NotWritable(
            f"{member.path} was changed while it was copied into the project.", advice="Run the job again."
        )


class _Frame:
    """Takes what `zipfile` writes, and keeps what is written around the members' contents."""

    def __init__(self) -> None:
        self.pieces: dict[int, bytes] = {}
        """By their place in the file. A header is written again, with its checksum, after the content."""
        self._place = 0
        self._leaves_out = False

    @contextmanager
    def leaving_out(self) -> Iterator[None]:
        """Counts what is written in the block, and does not keep it."""
        self._leaves_out = True
        try:
            yield
        finally:
            self._leaves_out = False

    def tell(self) -> int:
        return self._place

    def seek(self, place: int) -> None:
        self._place = place

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def write(self, content: bytes) -> int:
        if not self._leaves_out:
            self.pieces[self._place] = bytes(content)
        self._place += len(content)
        return len(content)
