"""The length that a file states in its header, by which one that was cut off is known."""

from __future__ import annotations

import os
from typing import Any

from bridge.audio.decoding.file_part import FilePart

#: Containers that state the exact length of each stream.
_EXACT = frozenset({"mov,mp4,m4a,3gp,3g2,mj2", "flac", "tta", "wv", "ape"})
#: Containers that state the length of their longest stream.
_OF_LONGEST = frozenset({"matroska,webm", "flv"})
_MICROSECONDS = 1_000_000
#: An MP3 with a table of contents has one of these in its first packet; flags and the number of its packets follow.
_MP3_TABLES = (b"Xing", b"Info")
#: Flags of the table: which numbers it has, in this order.
_HAS_COUNT, _HAS_BYTES = 1, 2
#: The bytes are counted from the first packet on, of which no more than this stands before the table.
_MOST_BEFORE_TABLE = 64
#: Further than any picture in a tag reaches.
_MP3_HEAD_BYTES = 1 << 22
_LONG_PACKET_FRAMES, _SHORT_PACKET_FRAMES, _LONG_PACKETS_FROM_HZ = 1152, 576, 32_000


def promised_frames(part: FilePart, container: Any, stream: Any) -> int | None:
    """The frames of the stream by its header; None if it only estimates them."""
    rate, name = int(stream.rate), str(container.format.name)
    if name in _OF_LONGEST and len(container.streams) == 1 and container.duration:
        return round(float(container.duration) / _MICROSECONDS * rate)
    if not stream.duration or stream.duration < 0:
        return None
    stated = round(float(stream.duration * stream.time_base) * rate)
    if name in _EXACT:
        return stated
    packets = mp3_packets(part) if name == "mp3" else None
    is_long = rate >= _LONG_PACKETS_FROM_HZ
    counted = None if packets is None else packets * (_LONG_PACKET_FRAMES if is_long else _SHORT_PACKET_FRAMES)
    # Where files were joined, the count is that of the first, and FFmpeg guesses the duration.
    return stated if counted is not None and 0 <= counted - stated < 4 * _LONG_PACKET_FRAMES else None


def mp3_packets(part: FilePart) -> int | None:
    """The number of packets that an MP3 file counts in its table of contents; None if it has none."""
    return _mp3_count(part, _HAS_COUNT)[0]


def lacks_mp3_bytes(part: FilePart) -> bool:
    """Whether an MP3 file is shorter than its table of contents says; False where it has none."""
    stated, at = _mp3_count(part, _HAS_BYTES)
    with part.open() as file:
        return stated is not None and file.seek(0, os.SEEK_END) - at < stated - _MOST_BEFORE_TABLE


def _mp3_count(part: FilePart, wanted: int) -> tuple[int | None, int]:
    """One of the numbers in the table of contents of an MP3 file, and where the table is; None: it is not stated."""
    with part.open() as file:
        head = file.read(_MP3_HEAD_BYTES)
    for table in _MP3_TABLES:
        at = head.find(table) + len(table)
        flags = int.from_bytes(head[at : at + 4], "big")
        if at >= len(table) and flags & wanted:
            place = at + 4 + 4 * (flags & (wanted - 1)).bit_count()
            return int.from_bytes(head[place : place + 4], "big"), at
    return None, 0
