"""How much of the audio that the header of an uncompressed file counts is missing, because the file was cut off."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from bridge.audio.riff import chunks_of
from bridge.system.files import open_to_read

#: Sizes of 32 bits from here on are no lengths: programs write them when they do not know how much will follow.
UNKNOWN_SIZES = 0x7FFF_F000
_MOST_CHUNKS = 1000
_WAVE64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_WAVE64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_LARGEST = (1 << 62) - 1


def missing_share(path: Path) -> float:
    """The missing part of the audio of a WAV, AIFF, AU, Wave64 or CAF file, from 0 (nothing) to 1 (all).

    Raises:
        OSError: the file cannot be read.
    """
    with open_to_read(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(16)
        found = None
        if head[:4] == b".snd":
            found = int.from_bytes(head[4:8], "big"), int.from_bytes(head[8:12], "big")
        elif head == _WAVE64:
            found = _in_wave64(file, length)
        elif head[:4] == b"caff":
            found = _in_caf(file, length)
    if found is None:
        for chunk in chunks_of(path):
            if chunk.name in (b"data", b"SSND"):
                found = chunk.start, chunk.stated
                break
    if found is None:
        return 0.0
    start, stated = found
    is_length = 0 < stated <= _LARGEST and not UNKNOWN_SIZES <= stated < 1 << 32
    return max(0.0, 1 - max(0, length - start) / stated) if is_length else 0.0


def _in_wave64(file: BinaryIO, length: int) -> tuple[int, int] | None:
    position = 40
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(24)
        size = int.from_bytes(head[16:], "little")  # with the chunk's own head
        if head[:16] == _WAVE64_DATA:
            return position + 24, size - 24
        position += max(24, size + -size % 8)
        if position >= length:
            break
    return None


def _in_caf(file: BinaryIO, length: int) -> tuple[int, int] | None:
    position = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(position)
        head = file.read(12)
        size = int.from_bytes(head[4:], "big", signed=True)
        if head[:4] == b"data":
            return position + 16, size - 4  # after the number of edits
        position += 12 + max(0, size)
        if position >= length:
            break
    return None
