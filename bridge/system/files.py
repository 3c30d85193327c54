"""The bridge's own small files: written atomically, and read without trusting their content."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

#: Far larger than any small file that the bridge writes.
MAX_SMALL_FILE_BYTES = 16 * 1024 * 1024


def read_json(path: Path, kind: type[T]) -> T:
    """Reads a value of type `kind` from a small JSON file.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it does not contain such a value.
    """
    return parsed(read_small(path), msgspec.json.Decoder(kind).decode)


def read_small(path: Path) -> bytes:
    """The content of a small file.

    Raises:
        OSError: there is no such file, or it cannot be read, or is a pipe or device, which is never opened.
        ValueError: it is larger than `MAX_SMALL_FILE_BYTES`.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")
    if path.stat().st_size > MAX_SMALL_FILE_BYTES:
        raise ValueError(f"{path} is larger than {MAX_SMALL_FILE_BYTES} bytes")
    return path.read_bytes()


def parsed(content: bytes, decode: Callable[[bytes], T]) -> T:
    """Decodes `content` with a msgspec decoder.

    Raises:
        ValueError: it is damaged, or of another type; also for invalid UTF-8 and too deeply nested brackets, for which
            msgspec raises other errors.
    """
    try:
        return decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def is_drive_full(error: OSError) -> bool:
    """True if the drive, or the user's share of it, has no space left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes) -> None:
    """Writes `content` to `path` atomically, replacing an existing file; creates the folder if needed.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # another process may be writing it too
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_partial(partial)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with suppress(OSError):  # what prevents writing may prevent this too
            partial.unlink()
        raise


def _make_partial(path: Path) -> None:
    """Makes a new file under a temporary name: through no link, and closed to other accounts where its folder is."""
    mode = 0o600 if path.parent.stat().st_mode & 0o077 == 0 else 0o666
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0), mode))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
