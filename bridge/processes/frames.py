"""Framing of messages on a pipe: a length in four bytes, little-endian, then the message as msgpack. Length 0 is a
heartbeat.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("<I")
HEARTBEAT = HEADER.pack(0)
HEARTBEAT_SECONDS = 1.0
#: More than the bridge's largest message; a greater length means that the stream is corrupt.
MAX_BYTES = 64 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """`payload` with its length header.

    Raises:
        ValueError: it is empty or larger than `MAX_BYTES`.
    """
    if not 0 < len(payload) <= MAX_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes cannot be framed")
    return HEADER.pack(len(payload)) + payload


def payload_length(header: bytes) -> int:
    """The length that a header of four bytes announces.

    Raises:
        ValueError: the stream is corrupt.
    """
    (size,) = HEADER.unpack(header)
    if size > MAX_BYTES:
        raise ValueError(f"a frame claims {size} bytes")
    return int(size)
