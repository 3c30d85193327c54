"""The container format of .amxd files: a flat list of chunks, each `tag | length, 32 bits little-endian | payload`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

AUDIO_EFFECT = b"aaaa"
UNFROZEN, FROZEN = 0, 7


class AmxdChunk(NamedTuple):
    tag: bytes
    payload: bytes


class NotADevice(ValueError):  # noqa: N818 - the name states the problem
    """The bytes are not a valid .amxd file; the message says where they are wrong."""


def chunk_bytes(device_type: bytes, meta: int, patch: bytes) -> bytes:
    """A complete device file."""
    chunks = (
        AmxdChunk(b"ampf", device_type),
        AmxdChunk(b"meta", meta.to_bytes(4, "little")),
        AmxdChunk(b"ptch", patch),
    )
    return b"".join(chunk.tag + len(chunk.payload).to_bytes(4, "little") + chunk.payload for chunk in chunks)


def read_chunks(data: bytes) -> Sequence[AmxdChunk]:
    """The chunks of a file.

    Raises:
        NotADevice: a chunk is truncated, or bytes are left over.
    """
    chunks, at = [], 0
    while at < len(data):
        if at + 8 > len(data):
            raise NotADevice(f"{len(data) - at} bytes are left over at {at}.")
        tag, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + size > len(data):
            raise NotADevice(f"Chunk {tag!r} at {at} wants {size} bytes; the file has {len(data) - at - 8}.")
        chunks.append(AmxdChunk(tag, data[at + 8 : at + 8 + size]))
        at += 8 + size
    return chunks
