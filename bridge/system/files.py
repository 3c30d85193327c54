"""Small files of our own: written whole or not at all, and read as whatever somebody may have made of them."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

#: None of ours is nearly as large.
LARGEST_BYTES = 16 * 1024 * 1024


def read_json(path: Path, kind: type[T]) -> T:
    """The value of that kind that is kept in a small file.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ValueError: it holds something else.
    """
    return parsed(read_small(path), msgspec.json.Decoder(kind).decode)


def read_small(path: Path) -> bytes:
    """The content of a small file.

    Raises:
        OSError: there is no such file, or it cannot be read; a pipe or a device is never waited for.
        ValueError: it is larger than `LARGEST_BYTES`.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no file")
    if path.stat().st_size > LARGEST_BYTES:
        raise ValueError(f"{path} is larger than {LARGEST_BYTES} bytes")
    return path.read_bytes()


def parsed(content: bytes, decode: Callable[[bytes], T]) -> T:
    """What a decoder of msgspec makes of `content`.

    Raises:
        ValueError: it is damaged, or of another kind. msgspec itself lets other errors out as well: bytes that are no
            UTF-8, and brackets that are nested too deeply.
    """
    try:
        return decode(content)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def write_whole(path: Path, content: bytes) -> None:
    """Puts `content` where `path` is, in place of what was there; makes the folder where it is missing.

    Raises:
        OSError: it cannot be written there; what was there is as it was.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # another may be writing it too
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with suppress(OSError):  # what hinders the writing may hinder this too
            partial.unlink()
        raise


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
