"""A song of a library, and what can be wrong with it."""

from __future__ import annotations

import hashlib
import os

from bridge.value import Value


class Song(Value, frozen=True, kw_only=True):
    """One audio file of a library, as it was when it was found."""

    source: str
    """Absolute path."""
    folder: str
    """Where its results go: a folder of its own below that of the library's results."""
    size_bytes: int = 0
    modified_ns: int = 0
    """When the file was changed last, in ns since 1970."""

    @property
    def ending(self) -> str:
        """`.wav`, in lower case."""
        return os.path.splitext(self.source)[1].lower()  # noqa: PTH122 - for each of 100 000 songs

    @property
    def key(self) -> int:
        """64 bits that name the file."""
        return hash_of(self.source)

    def state(self, settings: str) -> int:
        """64 bits that name its content, as far as size and time tell it, and the settings it is done with."""
        return hash_of(f"{self.size_bytes} {self.modified_ns} {settings}")


class FailedSong(Value, frozen=True, kw_only=True):
    """A song, or a folder of songs, that could not be done."""

    song: Song
    code: str
    """One of `bridge.errors`."""
    message: str


def hash_of(text: str) -> int:
    """64 bits of a text, which may be a path that is no UTF-8."""
    return int.from_bytes(hashlib.blake2b(os.fsencode(text), digest_size=8).digest(), "little")
