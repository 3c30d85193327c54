"""WAV and RF64 files whose header counts other samples than there are.

A recorder writes the size of the audio when it stops. If it loses its power, or writes to a pipe, the size stays 0 or
the largest number; beyond 4 GiB the 32 bits of a WAV header wrap around. In each case the length of the file tells.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from bridge.audio.decoding.file_part import FilePart
from bridge.audio.riff import MAX_UINT32, RiffChunk, chunks_of, is_chunk_at

#: Sizes from here on are no lengths: programs write them when they do not know how much will follow.
_UNKNOWN_SIZES = 0x7FFF_F000
_WRAP = 1 << 32
_FMT_BYTES = 40
#: Sizes of the file and of its data, the number of frames, and no further sizes.
_DS64 = struct.Struct("<4sIQQQI")


@dataclass(frozen=True)
class DataSize:
    """The samples of a WAV or AIFF file, by its header and by its length."""

    mended: FilePart | None
    """The file with a true header; None if its own is good enough."""
    promised_frames: int | None
    """The frames that the header counts; None if it does not say."""


def data_size(path: Path) -> DataSize:
    """Compares the header of a WAV, RF64 or AIFF file with the file's length; for other files, nothing is known.

    Raises:
        OSError: the file cannot be read.
    """
    length, fmt = path.stat().st_size, b""
    for chunk in chunks_of(path):
        if chunk.name == b"fmt ":
            with path.open("rb") as file:
                file.seek(chunk.start)
                fmt = file.read(min(chunk.size, _FMT_BYTES))
        if chunk.name == b"data" and len(fmt) >= 16:
            return _compared(path, chunk, fmt, length)
    return DataSize(None, None)


def _compared(path: Path, chunk: RiffChunk, fmt: bytes, length: int) -> DataSize:
    there, stated = length - chunk.start, chunk.stated
    frame_bytes = int.from_bytes(fmt[12:14], "little")
    is_pcm = fmt[:2] in (b"\1\0", b"\3\0", b"\xfe\xff")
    size = _true_size(path, chunk, length)
    promised = stated // frame_bytes if is_pcm and frame_bytes and 0 < stated < _UNKNOWN_SIZES else None
    if stated > MAX_UINT32 and frame_bytes:  # RF64
        promised = stated // frame_bytes
    if size is None:
        return DataSize(None, promised)
    size -= size % (frame_bytes or 1)
    form = _rf64 if size > MAX_UINT32 - length else _riff
    head = form(fmt, size)
    return DataSize(FilePart(path, chunk.start, chunk.start + min(size, there), head), None)


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
    if stated >= _UNKNOWN_SIZES:
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
