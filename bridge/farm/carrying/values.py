"""What is carried between a machine of the farm and the one that asks."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from bridge.errors import NotReadable
from bridge.value import Value

#: Bytes of one message, so that neither side holds more of a file, and a cancelled job waits for no more.
CHUNK_BYTES = 8 << 20
_SHA256 = re.compile("[0-9a-f]{64}", re.ASCII)

#: Where a file lies in a song's folder: among the results, where the user wants the picture, or among the analyses that
#: the notes were read from, which are named by their cache keys.
Place = Literal["results", "picture", "analyses"]


class Clip(Value, frozen=True, kw_only=True):
    """A source file, known by its content."""

    sha256: str
    """In hexadecimal."""
    size_bytes: int
    name: str
    """Its file name, which results and time stamps are named after; with `_` for a backslash."""
    changed_ns: int
    """When it was last changed, in Unix time: the stems' time stamps tell it."""

    def check(self) -> None:
        """Raises NotReadable unless hash, size and name can be those of a file."""
        if not _SHA256.fullmatch(self.sha256) or self.size_bytes < 0:
            raise NotReadable("The farm was sent a clip without a hash or a size.")
        check_file_name(self.name)


class CarriedFile(Value, frozen=True, kw_only=True):
    """A result that lies ready on a machine of the farm."""

    file: str
    """Its file name."""
    size_bytes: int
    sha256: str
    place: Place = "results"


def check_file_name(name: str) -> None:
    """Raises NotReadable unless this is the plain name of one file that is not hidden."""
    if not name or name.startswith(".") or any(character in name for character in "/\\\0") or len(name.encode()) > 255:
        raise NotReadable(f"{name!r} is no name of a file.")


encode = msgspec.msgpack.Encoder().encode
decode_clip = msgspec.msgpack.Decoder(Clip).decode
