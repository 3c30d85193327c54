"""The pages of an Ogg file: where one recording ends and the next begins, and whether pages are missing.

Format: RFC 3533, section 6.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bridge.system.files import open_to_read

_CAPTURE = b"OggS"
_HEADER_BYTES = 27
#: Its first bytes, which name the codec.
HEAD_BYTES = 64
_BEGIN, _END = 2, 4
_SEARCHED_BYTES = 1 << 16
#: So far checksums are compared: without its first page a stream begins later, and libsndfile does not notice. It does
#: notice that a later one is missing.
_CHECKED_BYTES = 1 << 18
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC_MASK = 0xFFFF_FFFF
#: Damage longer than this is taken for the file's end.
_FARTHEST_PAGE = 1 << 26
#: Hours of audio; of a longer file nothing is known.
_MOST_PAGES = 500_000
#: More recordings in one file than any radio station makes in a day.
MOST_LINKS = 1000


@dataclass(frozen=True)
class OggPages:
    """What the page headers of a file say."""

    links: tuple[tuple[int, int], ...]
    """Start and end, in bytes, of the recordings that stand in a row."""
    unbroken: bool
    """No page is missing or damaged, as far as headers tell."""
    ended: bool
    """The last page says that it is the last one."""


def read_pages(path: Path) -> OggPages | None:
    """Reads all page headers of an Ogg file; None if it is another file.

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        if file.read(len(_CAPTURE)) != _CAPTURE:
            return None
        starts, unbroken, ended = _walk(file, length)
    links = tuple(zip(starts, [*starts[1:], length], strict=True))
    return OggPages(links, unbroken, ended)


def _walk(file: BinaryIO, length: int) -> tuple[list[int], bool, bool]:
    """The first byte of each link; whether no page is missing; whether the last page ends its stream."""
    starts: list[int] = [0]
    numbers: dict[bytes, int] = {}
    position, unbroken, ended, in_heads = 0, True, False, True
    for _ in range(_MOST_PAGES):
        file.seek(position)
        head = file.read(_HEADER_BYTES)
        if len(head) == _HEADER_BYTES and head.startswith(_CAPTURE):
            flags, serial, number = head[5], head[14:18], int.from_bytes(head[18:22], "little")
            sizes = file.read(head[26])
            following = position + _HEADER_BYTES + head[26] + sum(sizes)
            if flags & _BEGIN and not in_heads:
                starts.append(position)
                numbers.clear()
            in_heads = bool(flags & _BEGIN)
            unbroken &= number == numbers.get(serial, number)
            if position < _CHECKED_BYTES:
                unbroken &= _is_intact(head + sizes + file.read(sum(sizes)))
            numbers[serial] = number + 1
            ended = bool(flags & _END) and following <= length
            position = following
        else:
            found = _next_page(file, position + 1, length) if position < length else None
            if found is None:
                return starts, unbroken, ended
            position, unbroken = found, False
    return starts, False, True


def _is_intact(page: bytes) -> bool:
    """Whether a page has the checksum that it states.

    It is the CRC-32 of zlib with the bits of each byte, and of the result, in reverse.
    """
    content = page[:22] + bytes(4) + page[26:]
    crc = zlib.crc32(content.translate(_REVERSED), _CRC_MASK) ^ _CRC_MASK
    return crc.to_bytes(4, "big").translate(_REVERSED) == page[22:26]


def _next_page(file: BinaryIO, position: int, length: int) -> int | None:
    length = min(length, position + _FARTHEST_PAGE)
    while position < length:
        file.seek(position)
        at = file.read(_SEARCHED_BYTES + len(_CAPTURE) - 1).find(_CAPTURE)
        if at >= 0:
            return position + at
        position += _SEARCHED_BYTES
    return None


def has_vorbis_order(head: bytes) -> bool:
    """Whether a recording with these first `HEAD_BYTES` has its channels in Vorbis' order, which is not that of WAV."""
    content = head[_HEADER_BYTES + head[26] :] if len(head) >= _HEADER_BYTES else b""
    if content.startswith(b"OpusHead"):
        return len(content) > 18 and content[18] == 1  # RFC 7845, section 5.1.1: channel mapping family
    return content.startswith(b"\x01vorbis")
