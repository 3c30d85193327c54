"""Messages on a pipe: four bytes of length, little-endian, then the message as msgpack. Length 0 is a heartbeat."""

from __future__ import annotations

import struct

HEAD = struct.Struct("<I")
HEARTBEAT = HEAD.pack(0)
HEARTBEAT_SECONDS = 1.0
#: Larger than any message the bridge sends; what claims more is a broken pipe, not a message.
MAX_BYTES = 64 * 1024 * 1024


def frame(payload: bytes) -> bytes:
    """`payload` with its length before it.

    Raises:
        ValueError: it is empty or larger than `MAX_BYTES`.
    """
    if not 0 < len(payload) <= MAX_BYTES:
        raise ValueError(f"a message of {len(payload)} bytes cannot be framed")
    return HEAD.pack(len(payload)) + payload


def length(head: bytes) -> int:
    """The payload's length that four bytes announce.

    Raises:
        ValueError: the stream is out of step.
    """
    (size,) = HEAD.unpack(head)
    if size > MAX_BYTES:
        raise ValueError(f"a frame claims {size} bytes")
    return int(size)
