from pathlib import Path

import numpy as np
import pytest

from bridge.audio import ogg
from tests.support.sounds import music, read, write


def checksum(page: bytes) -> int:
    """RFC 3533's CRC of a page, bit by bit, with the checksum field set to zero."""
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x104C11DB7 if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def pages(data: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(data):
        segments = data[position + 26]
        length = 27 + segments + sum(data[position + 27 : position + 27 + segments])
        found.append(data[position : position + length])
        position += length
    return found


def test_every_page_has_the_serial_number_and_a_valid_checksum(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ogg", music(1.0), subtype="VORBIS")
    before, sound = pages(path.read_bytes()), read(path)
    ogg.set_serial_number(path)
    after = pages(path.read_bytes())
    assert len(after) == len(before) > 2
    assert {page[14:18] for page in after} == {ogg.SERIAL.to_bytes(4, "little")}
    assert all(checksum(page) == int.from_bytes(page[22:26], "little") for page in after)
    assert np.array_equal(read(path), sound)


def test_other_files_are_refused_and_unchanged(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(0.1))
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not an Ogg"):
        ogg.set_serial_number(path)
    assert path.read_bytes() == before
