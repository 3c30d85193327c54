"""Reads one OSC message: every type of OSC 1.0 and 1.1, from bytes that nobody vouches for."""

from __future__ import annotations

import struct
from collections.abc import Callable

from bridge.osc.addresses import Argument, Message

#: Arrays in arrays, and bundles in bundles; no program nests deeper.
MAX_NESTING = 8


class NotOsc(ValueError):  # noqa: N818 - reads as a statement
    """The bytes are no OSC message; the text says why, to follow "it is not OSC: "."""


def read_address(packet: bytes) -> str:
    """The address of a message. Raises NotOsc."""
    return _Reader(packet).address()


def read_message(packet: bytes) -> Message:
    """The message of a packet.

    Its arguments are str (`s S c`), int (`i h`), float (`f d`), bool (`T F`), None (`N`, and the impulse `I`, which
    means the same to us), bytes (`b`, and the types that no address uses: `r m t`) and tuples (arrays).

    Raises:
        NotOsc: it is none.
    """
    reader = _Reader(packet)
    return Message(reader.address(), reader.arguments())


class _Reader:
    """A position in the bytes of a message; each method reads what is there, and moves on."""

    def __init__(self, packet: bytes) -> None:
        if not packet.startswith(b"/") or len(packet) % 4:
            raise NotOsc("it does not start with an address, or its length is no multiple of 4")
        self._packet = packet
        self._index = 0

    def address(self) -> str:
        return self._string()

    def arguments(self) -> tuple[Argument, ...]:
        if self._index == len(self._packet):  # old programs leave the types out where there are no arguments
            return ()
        tags = self._string()
        if not tags.startswith(","):
            raise NotOsc("its types do not start with a comma")
        if unknown := sorted(set(tags[1:]) - _TYPES.keys() - {"[", "]"}):
            raise NotOsc(f"it has arguments of the unknown types {' '.join(unknown)}")
        open_arrays: list[list[Argument]] = [[]]
        for tag in tags[1:]:
            if tag == "[":
                if len(open_arrays) > MAX_NESTING:
                    raise NotOsc(f"its arrays are nested deeper than {MAX_NESTING}")
                open_arrays.append([])
            elif tag == "]":
                if len(open_arrays) == 1:
                    raise NotOsc("it ends an array that did not begin")
                array = tuple(open_arrays.pop())
                open_arrays[-1].append(array)
            else:
                open_arrays[-1].append(_TYPES[tag](self))
        if len(open_arrays) > 1:
            raise NotOsc("an array does not end")
        return tuple(open_arrays[0])

    def _string(self) -> str:
        end = self._packet.find(b"\0", self._index)
        if end < 0:
            raise NotOsc("a text does not end")
        found = self._packet[self._index : end]
        self._index = (end // 4 + 1) * 4
        try:
            return found.decode()
        except UnicodeDecodeError:
            raise NotOsc("a text is not UTF-8") from None

    def _bytes(self, count: int) -> bytes:
        found = self._packet[self._index : self._index + count]
        if len(found) < count:
            raise NotOsc("an argument is missing")
        self._index += count
        return found

    def _int32(self) -> int:
        return int.from_bytes(self._bytes(4), "big", signed=True)

    def _int64(self) -> int:
        return int.from_bytes(self._bytes(8), "big", signed=True)

    def _float32(self) -> float:
        return float(struct.unpack(">f", self._bytes(4))[0])

    def _float64(self) -> float:
        return float(struct.unpack(">d", self._bytes(8))[0])

    def _blob(self) -> bytes:
        size = self._int32()
        if size < 0:
            raise NotOsc("a blob has a negative size")
        found = self._bytes(size)
        self._index += -size % 4
        return found

    def _character(self) -> str:
        code = self._int32()
        try:
            return "" if code == 0 else chr(code).encode().decode()
        except (ValueError, OverflowError):  # no such character, or half of one
            raise NotOsc("an argument of the type c is no character") from None


_TYPES: dict[str, Callable[[_Reader], Argument]] = {
    "i": _Reader._int32,
    "h": _Reader._int64,
    "f": _Reader._float32,
    "d": _Reader._float64,
    "s": _Reader._string,
    "S": _Reader._string,
    "c": _Reader._character,
    "b": _Reader._blob,
    "r": lambda reader: reader._bytes(4),
    "m": lambda reader: reader._bytes(4),
    "t": lambda reader: reader._bytes(8),
    "T": lambda _: True,
    "F": lambda _: False,
    "N": lambda _: None,
    "I": lambda _: None,
}
