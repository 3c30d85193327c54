"""Whether the samples of a FLAC file are those that its header counts, judged by a few frame headers.

A file that was cut or joined without decoding (`ffmpeg -c copy`, LosslessCut) keeps the header of its first part.
libFLAC believes that header: it reports an error, or stops in the middle without one. FFmpeg reads to the end.

Formats: RFC 9639, sections 8.2 (STREAMINFO) and 9.1 (frame headers).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from bridge.system.files import open_to_read

_SYNC = re.compile(rb"\xff[\xf8\xf9]")
#: Bytes that surely hold a whole frame header, as long as the header of a frame says nothing larger.
_WINDOW_BYTES = 1 << 16
_LARGEST_WINDOW = 1 << 20
#: Places in the file at which the numbers of frames are compared: a second part starts again from 0.
_PLACES = 8
_MOST_BLOCKS = 1000
_LONGEST_HEADER = 16
#: Bits of a sample by their code in a frame header; 0: those of STREAMINFO.
_BITS = {0: 0, 1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}


@dataclass(frozen=True)
class _StreamInfo:
    block_frames: int
    largest_frame: int
    format_bits: int
    """Rate, channels and bits, packed as in the file."""
    frames: int


def is_whole(path: Path) -> bool:
    """Whether the file holds exactly the samples that its header counts, as far as frame headers tell.

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        length = file.seek(0, os.SEEK_END)
        found = _stream_info(file, length)
        if found is None:
            return False
        info, audio = found
        if next(_positions(_read(file, audio, _LONGEST_HEADER), info), None) is None:
            return False
        window = min(_LARGEST_WINDOW, max(_WINDOW_BYTES, 2 * info.largest_frame))
        previous = -1
        for place in range(_PLACES):
            at = audio + (length - audio) * place // _PLACES
            for start, _ in islice(_positions(_read(file, at, window), info), 1):
                if start < previous or (place == 0 and start != 0):
                    return False
                previous = start
        *_, (start, frames) = [(-1, 0), *_positions(_read(file, max(audio, length - window), window), info)]
        return start + frames == info.frames and start >= previous


def _stream_info(file: BinaryIO, length: int) -> tuple[_StreamInfo, int] | None:
    """The content of STREAMINFO, and the position of the first frame; None if the file does not begin with them."""
    if _read(file, 0, 4) != b"fLaC":
        return None
    position, info = 4, None
    for _ in range(_MOST_BLOCKS):
        head = _read(file, position, 4 + 34)
        if len(head) < 4:
            return None
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:4], "big")
        if kind == 0 and len(head) == 38:
            bits = int.from_bytes(head[14:22], "big")
            blocks, largest = int.from_bytes(head[4:6], "big"), int.from_bytes(head[11:14], "big")
            info = _StreamInfo(blocks, largest, bits >> 36, bits & ((1 << 36) - 1))
        position += 4 + size
        if head[0] & 0x80:
            return None if info is None or position >= length else (info, position)
    return None


def _positions(data: bytes, info: _StreamInfo) -> Iterator[tuple[int, int]]:
    """First sample and number of samples of each frame whose header lies in `data`."""
    for match in _SYNC.finditer(data):
        found = _frame(data[match.start() : match.start() + _LONGEST_HEADER], info)
        if found is not None:
            yield found


def _frame(head: bytes, info: _StreamInfo) -> tuple[int, int] | None:
    """First sample and number of samples of a frame, by its header; None if this is no frame header."""
    if len(head) < 6 or head[3] & 1 or head[2] & 0xF == 0xF:
        return None
    number, at = _coded_number(head, 4)
    size_code, rate_code = head[2] >> 4, head[2] & 0xF
    if number is None or size_code == 0:
        return None
    if size_code in (6, 7):
        extra = size_code - 5
        frames = int.from_bytes(head[at : at + extra], "big") + 1
        at += extra
    else:
        frames = 192 if size_code == 1 else 576 << (size_code - 2) if size_code < 6 else 256 << (size_code - 8)
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    channels = (info.format_bits >> 5 & 7) + 1
    stated, bits = (head[3] >> 4) + 1, _BITS.get(head[3] >> 1 & 7)
    if (stated if stated <= 8 else 2) != channels or bits not in (0, (info.format_bits & 31) + 1):
        return None
    if at >= len(head) or _crc8(head[:at]) != head[at]:
        return None
    return (number if head[1] & 1 else number * info.block_frames), frames


def _coded_number(head: bytes, at: int) -> tuple[int | None, int]:
    """A number in the manner of UTF-8, up to 36 bits, and the position after it."""
    first = head[at]
    more = 0 if first < 0x80 else 8 - (first ^ 0xFF).bit_length() - 1
    if more < 0 or (first >= 0x80 and more == 0) or more > 6 or at + 1 + more > len(head):
        return None, at
    number = first if more == 0 else first & ((1 << (6 - more)) - 1)
    for byte in head[at + 1 : at + 1 + more]:
        if byte & 0xC0 != 0x80:
            return None, at
        number = number << 6 | byte & 0x3F
    return number, at + 1 + more


def _crc8(data: bytes) -> int:
    """Polynomial x⁸ + x² + x + 1."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
