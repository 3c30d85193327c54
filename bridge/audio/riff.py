"""The chunks of RIFF, RF64 and AIFF files: finds a chunk, and appends chunks after the audio.

Files may be malicious, so sizes are not trusted: a chunk that claims to extend past the end of the file is cut off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from bridge.audio.targets import Target, opened
from bridge.system.files import open_to_read

#: First four bytes of the file → byte order of its numbers.
_BYTE_ORDERS: dict[bytes, Literal["little", "big"]] = {b"RIFF": "little", b"RF64": "little", b"FORM": "big"}
_KINDS = (b"WAVE", b"AIFF", b"AIFC")
#: Far more than in any real file; a file of nothing but chunk headers is not read to its end.
MAX_CHUNKS = 1000
#: In RF64 this size means: see the chunk ds64.
MAX_UINT32 = 0xFFFFFFFF


@dataclass(frozen=True)
class RiffChunk:
    """Name and location of a chunk's content."""

    name: bytes
    start: int
    size: int
    """The bytes of its content that are there."""
    stated: int
    """The bytes of its content by the header."""


def find_chunk(path: Path, name: bytes, at_most: int, kind: bytes = b"") -> bytes | None:
    """At most `at_most` bytes of the first chunk called `name` that begins with `kind`; None if there is no such chunk.

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        for chunk in _chunks(file):
            if chunk.name == name:
                file.seek(chunk.start)
                content = file.read(min(chunk.size, at_most))
                if content.startswith(kind):
                    return content
    return None


def chunks_of(path: Path) -> Iterator[RiffChunk]:
    """Every chunk of a RIFF, RF64 or AIFF file; none if it is another file.

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        yield from _chunks(file)


def is_chunk_at(path: Path, position: int) -> bool:
    """Whether a chunk of a RIFF file may start at this byte: a name in letters, and a size that the file has room for.

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(position)
        head = file.read(8)
    name, size = head[:4], int.from_bytes(head[4:], "little")
    return len(head) == 8 and all(0x20 <= byte < 0x7F for byte in name) and position + 8 + size <= length


def append_chunks(target: Target, chunks: Sequence[tuple[bytes, bytes]]) -> None:
    """Appends chunks (name of four bytes, content) to a RIFF WAVE file.

    Raises:
        ValueError: it is not a RIFF WAVE file, or would exceed the 4 GiB limit of its header.
        OSError: it cannot be written.
    """
    with opened(target, "r+b") as file:
        file.seek(0)
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise ValueError("it is not a RIFF WAVE file")
        end = file.seek(0, os.SEEK_END)
        size, added = appended_bytes(end, chunks)
        file.write(added)
        file.seek(4)
        file.write(size)


def appended_bytes(length: int, chunks: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """The bytes that add chunks to a RIFF file of `length` bytes: its new size field (bytes 4 to 8), and the appendix.

    Raises:
        ValueError: the file would exceed the 4 GiB limit of its header.
    """
    added = bytes(length % 2)
    for name, content in chunks:
        added += name + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)
    size = length + len(added) - 8
    if size >= MAX_UINT32:
        raise ValueError("it would be too long for a RIFF file")
    return size.to_bytes(4, "little"), added


def audio_end(target: Target) -> int:
    """The position where the audio of a RIFF WAVE file ends and appended chunks begin; for other files, their length.

    Raises:
        OSError: the file cannot be read.
    """
    with opened(target, "rb") as file:
        for chunk in _chunks(file):
            if chunk.name == b"data" and _is_riff(file):
                return chunk.start + chunk.size
        return file.seek(0, os.SEEK_END)


def clear_peak_timestamp(target: Target) -> None:
    """Zeroes the time stamp in libsndfile's PEAK chunk, so that the same audio makes the same file."""
    with opened(target, "r+b") as file:
        for chunk in _chunks(file):
            if chunk.name == b"PEAK" and chunk.size >= 8:
                file.seek(chunk.start + 4)  # after the version
                file.write(bytes(4))
                return


def _is_riff(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(4) == b"RIFF"


def _chunks(file: BinaryIO) -> Iterator[RiffChunk]:
    """Every chunk of the file; none if it is not a RIFF, RF64 or AIFF file."""
    length = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    order = _BYTE_ORDERS.get(head[:4])
    if order is None or head[8:] not in _KINDS:
        return
    position, long_data, is_long = 12, 0, head[:4] == b"RF64"
    for _ in range(MAX_CHUNKS):
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        name, size = head[:4], int.from_bytes(head[4:], order)
        if name == b"ds64":  # sizes of the file and of its data, 64 bits each
            long_data = int.from_bytes(file.read(16)[8:], order)
        stated = size
        if name == b"data" and size == MAX_UINT32:
            size = long_data or length
            stated = long_data if is_long else stated
        start = position + 8
        yield RiffChunk(name, start, min(size, length - start), stated)
        position = start + size + size % 2
        if position > length:
            return
