"""Frozen devices: several files in one `ptch` chunk, big-endian, with a table of contents at its end.

    mx@c | 32-bit 16 | 64-bit offset of the footer | the files | dlst size { dire size { fields } … }

A field is `tag | size including these eight bytes | payload`; `dlst` and `dire` are fields too. Max writes the same
fields in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from max_for_live.generator.chunks import NotADevice

MAGIC = b"mx@c"
HEAD_BYTES = 16
DEVICE_FLAG = 17
#: 2026-01-01 00:00:00 UTC in seconds since 1904; constant, so that the same sources always give the same bytes.
MODIFIED_1904 = 3_850_070_400


class File(NamedTuple):
    """One file in a frozen device; the first is the device's own patch."""

    name: str
    kind: bytes
    """Four bytes, as `JSON` or `TEXT`."""
    content: bytes
    modified_1904: int = MODIFIED_1904
    flag: int = 0


def frozen(files: Sequence[File]) -> bytes:
    """The payload of `ptch`."""
    body, entries, at = b"", b"", HEAD_BYTES
    for file in files:
        entries += _entry(file, at)
        body += file.content
        at += len(file.content)
    return MAGIC + HEAD_BYTES.to_bytes(4, "big") + at.to_bytes(8, "big") + body + _field(b"dlst", entries)


def thawed(payload: bytes) -> Sequence[File]:
    """The files of a frozen `ptch` payload.

    Raises:
        NotADevice: the table of contents does not fit the bytes.
    """
    try:
        return _thawed(payload)
    except NotADevice:
        raise
    except (KeyError, ValueError) as error:
        raise NotADevice(f"The frozen part's list of files is damaged: {error!r}.") from error


def _thawed(payload: bytes) -> Sequence[File]:
    if payload[:4] != MAGIC or payload[4:8] != HEAD_BYTES.to_bytes(4, "big"):
        raise NotADevice("The frozen part has no valid header.")
    footer = payload[int.from_bytes(payload[8:16], "big") :]
    ((tag, entries),) = _fields(footer) if footer else ((b"", b""),)
    if tag != b"dlst":
        raise NotADevice("The frozen part has no list of files at its offset.")
    files = []
    for _, entry in _fields(entries):
        field = dict(_fields(entry))
        size, offset = (int.from_bytes(field[name], "big") for name in (b"sz32", b"of32"))
        if offset + size > len(payload) - len(footer):
            raise NotADevice("A file extends beyond the end of the frozen part.")
        modified, flag = (int.from_bytes(field[name], "big") for name in (b"mdat", b"flag"))
        name = field[b"fnam"].rstrip(b"\0").decode("ascii")
        files.append(File(name, field[b"type"], payload[offset : offset + size], modified, flag))
    return files


def _entry(file: File, offset: int) -> bytes:
    name = file.name.encode("ascii") + b"\0"
    fields = (
        (b"type", file.kind),
        (b"fnam", name + b"\0" * (-len(name) % 4)),
        (b"sz32", len(file.content).to_bytes(4, "big")),
        (b"of32", offset.to_bytes(4, "big")),
        (b"vers", bytes(4)),
        (b"flag", file.flag.to_bytes(4, "big")),
        (b"mdat", file.modified_1904.to_bytes(4, "big")),
    )
    return _field(b"dire", b"".join(_field(tag, payload) for tag, payload in fields))


def _field(tag: bytes, payload: bytes) -> bytes:
    return tag + (len(payload) + 8).to_bytes(4, "big") + payload


def _fields(data: bytes) -> list[tuple[bytes, bytes]]:
    fields, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        if size < 8 or at + size > len(data):
            raise NotADevice(f"Field {data[at : at + 4]!r} of the frozen part has the size {size}.")
        fields.append((data[at : at + 4], data[at + 8 : at + size]))
        at += size
    return fields
