"""WAV and RF64 files whose header counts other samples than there are.

A recorder writes the size of the audio when it stops. If it loses its power, or writes to a pipe, the size stays 0 or
the largest number; beyond 4 GiB the 32 bits of a WAV header wrap around. In each case the length of the file tells.
"""

from __future__ import annotations

import struct
from pathlib import Path

from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.stated_size import UNKNOWN_SIZES
from bridge.audio.riff import MAX_UINT32, RiffChunk, chunks_of, is_chunk_at
from bridge.system.files import open_to_read

_WRAP = 1 << 32
_FMT_BYTES, _SHORTEST_FMT_BYTES = 40, 16
#: Sizes of the file and of its data, the number of frames, and no further sizes.
_DS64 = struct.Struct("<4sIQQQI")


def mended(path: Path) -> FilePart | None:
    """A WAV or RF64 file with a true header; None if its own is good enough, and for other files.

    Raises:
        OSError: the file cannot be read.
    """
    length, fmt = path.stat().st_size, b""
    for chunk in chunks_of(path):
        if chunk.name == b"fmt ":
            with open_to_read(path) as file:
                file.seek(chunk.start)
                fmt = file.read(min(chunk.size, _FMT_BYTES))
        if chunk.name == b"data":
            size = _true_size(path, chunk, length) if len(fmt) >= _SHORTEST_FMT_BYTES else None
            return None if size is None else _with_size(path, chunk, fmt, size)
    return None


def _with_size(path: Path, chunk: RiffChunk, fmt: bytes, size: int) -> FilePart:
    size -= size % (int.from_bytes(fmt[12:14], "little") or 1)  # whole frames
    head = _riff(fmt, size) if size < MAX_UINT32 - _FMT_BYTES - 64 else _rf64(fmt, size)
    return FilePart(path, chunk.start, chunk.start + size, head)


def _true_size(path: Path, chunk: RiffChunk, length: int) -> int | None:
    """The bytes of audio, if the header is wrong; None if it is right, or if the decoder knows better."""
    there, stated = length - chunk.start, chunk.stated
    if there <= 0:
        return None
    if stated == 0:
        return None if is_chunk_at(path, chunk.start) else there
    if there <= stated or stated > MAX_UINT32:
        return None
    if stated == MAX_UINT32:
        return there
    if is_chunk_at(path, chunk.start + stated + stated % 2):
        return None
    if stated >= UNKNOWN_SIZES:
        return there
    wraps = (there - stated) // _WRAP
    return stated + wraps * _WRAP if wraps else None


def _riff(fmt: bytes, size: int) -> bytes:
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVE" + _chunk(b"fmt ", fmt) + b"data" + struct.pack("<I", size)


def _rf64(fmt: bytes, size: int) -> bytes:
    ds64 = _DS64.pack(b"ds64", 28, size + 72, size, 0, 0)
    head = b"RF64" + struct.pack("<I", MAX_UINT32) + b"WAVE" + ds64
    return head + _chunk(b"fmt ", fmt) + b"data" + struct.pack("<I", MAX_UINT32)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
