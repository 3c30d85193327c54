"""Programs with which Linux drops datagrams before they take room in a socket's buffer (classic BPF, no rights needed).

What waits in the buffer is of all senders: a flood fills it within milliseconds, and the datagrams of others are lost
before the bridge can tell them apart. https://www.kernel.org/doc/Documentation/networking/filter.txt
"""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from collections.abc import Collection
from contextlib import suppress

#: Of the datagrams that are not wanted, one in so many is let through, which shows how long the flood lasts.
ONE_IN = 64
MAX_PORTS = 1_000

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_HALF, _LOAD_WORD, _AND, _JUMP, _JUMP_IF_EQUAL, _RETURN = 0x28, 0x20, 0x54, 0x05, 0x15, 0x06
_RANDOM = 0xFFFFF000 + 56
#: A datagram for a UDP socket begins with its header, and that with the sender's port.
_SOURCE_PORT = 0
_ALL, _NOTHING = 0xFFFFFFFF, 0


def only(ports: Collection[int], one_in: int = ONE_IN) -> bytes:
    """A program that lets the datagrams of these ports through; of others, one in `one_in` (a power of two)."""
    listed = [part for port in sorted(ports)[:MAX_PORTS] for part in (_equals(port), _op(_RETURN, _ALL))]
    return b"".join([_op(_LOAD_HALF, _SOURCE_PORT), *listed, *_sample(one_in)])


def all_but(ports: Collection[int], one_in: int = ONE_IN) -> bytes:
    """A program that lets all datagrams through; of those of these ports, one in `one_in` (a power of two)."""
    chosen = sorted(ports)[:MAX_PORTS]
    # the jump leads over the other ports' two instructions each, and over the return after them
    listed = [
        part
        for number, port in enumerate(chosen, 1)
        for part in (_equals(port), _op(_JUMP, 2 * (len(chosen) - number) + 1))
    ]
    return b"".join([_op(_LOAD_HALF, _SOURCE_PORT), *listed, _op(_RETURN, _ALL), *_sample(one_in)])


def attach(bound_socket: socket.socket, program: bytes | None) -> None:
    """Filters what arrives at a UDP socket from now on; None: no more. Where that is impossible, it does nothing."""
    if sys.platform != "linux":
        return
    with suppress(OSError):
        if program is None:
            bound_socket.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        else:
            code = ctypes.create_string_buffer(program, len(program))
            described = struct.pack("@HP", len(program) // _INSTRUCTION.size, ctypes.addressof(code))
            bound_socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _sample(one_in: int) -> list[bytes]:
    return [_op(_LOAD_WORD, _RANDOM), _op(_AND, one_in - 1), _equals(0), _op(_RETURN, _ALL), _op(_RETURN, _NOTHING)]


def _equals(value: int) -> bytes:
    """Goes on if the value was loaded, else leaves the next instruction out."""
    return _INSTRUCTION.pack(_JUMP_IF_EQUAL, 0, 1, value)


def _op(code: int, operand: int) -> bytes:
    return _INSTRUCTION.pack(code, 0, 0, operand)
