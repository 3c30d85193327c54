"""Ogg pages (RFC 3533): gives a stream a fixed serial number, so that the same audio makes the same file.

libsndfile chooses the number at random. Every page contains it, and a checksum over the page.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

SERIAL = 0x53414221
"""The number must be unique only within the file, which has one stream."""

#: Capture pattern, version, flags, granule position, serial number, page number, checksum, number of segments.
_HEADER = struct.Struct("<4sBBqIIIB")
_SERIAL_AT = 14
_POLYNOMIAL = 0x04C11DB7


def set_serial_number(path: Path) -> None:
    """Sets the serial number of every page of a file with one stream to `SERIAL`.

    Raises:
        ValueError: it is not an Ogg file.
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
            # The CRC is linear: a change of the page changes the checksum by the CRC of that change alone.
            change = int.from_bytes((serial ^ SERIAL).to_bytes(4, "little"), "big")
            checksum ^= _multiply(change, _power_of_x(8 * (size - _SERIAL_AT)))
            file.seek(position)
            file.write(_HEADER.pack(*first, SERIAL, number, checksum, segments))
            position += size


def _power_of_x(exponent: int) -> int:
    """x^exponent modulo the CRC polynomial."""
    result, square = 1, 2
    while exponent:
        if exponent & 1:
            result = _multiply(result, square)
        square = _multiply(square, square)
        exponent >>= 1
    return result


def _multiply(one: int, other: int) -> int:
    """The product of two polynomials over GF(2), modulo the CRC polynomial; bit n is the coefficient of x^n."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        other >>= 1
        one = one << 1 ^ (_POLYNOMIAL | 1 << 32 if one >> 31 else 0)
    return product
