"""Ogg pages (RFC 3533): giving a stream a fixed serial number, so that the same audio is the same file.

libsndfile draws the number by chance. Every page carries it, and a checksum over itself.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

SERIAL = 0x53414221
"""Unique within a file of one stream, which is all that it has to be."""

#: Capture pattern, version, flags, granule position, serial number, page number, checksum, number of segments.
_HEADER = struct.Struct("<4sBBqIIIB")
_SERIAL_AT = 14
_POLYNOMIAL = 0x04C11DB7


def set_serial_number(path: Path) -> None:
    """Gives every page of the file at `path`, which holds one stream, the number `SERIAL`.

    Raises:
        ValueError: it is no Ogg file.
        OSError: it cannot be written.
    """
    with path.open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        position = 0
        while position < length:
            file.seek(position)
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size or header[:4] != b"OggS":
                raise ValueError(f"{path.name} is not an Ogg file")
            *first, serial, number, checksum, segments = _HEADER.unpack(header)
            size = _HEADER.size + segments + sum(file.read(segments))
            # A checksum is linear: what changes in the page changes it by the checksum of that change alone.
            change = int.from_bytes((serial ^ SERIAL).to_bytes(4, "little"), "big")
            checksum ^= _multiply(change, _power_of_x(8 * (size - _SERIAL_AT)))
            file.seek(position)
            file.write(_HEADER.pack(*first, SERIAL, number, checksum, segments))
            position += size


def _power_of_x(exponent: int) -> int:
    """x^exponent modulo the checksum's polynomial."""
    result, square = 1, 2
    while exponent:
        if exponent & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        exponent >>= 1
    return result


def _multiply(one: int, other: int) -> int:
    """The product of two polynomials over GF(2), modulo the checksum's: bit n stands for x^n."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        other >>= 1
        one = one << 1 ^ (_POLYNOMIAL | 1 << 32 if one >> 31 else 0)
    return product
