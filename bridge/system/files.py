"""The bridge's own small files: written atomically, and read without trusting their content."""

from __future__ import annotations

import errno
import hashlib
import mmap
import os
import secrets
import stat
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from bridge.system.private_folders import FILE_MODE, new_private_file, private_folder

T = TypeVar("T")

#: Far larger than any small file that the bridge writes.
MAX_SMALL_FILE_BYTES = 16 * 1024 * 1024
#: Free space that a job leaves on a drive, so that the bridge never fills one completely.
SPARE_BYTES = 64 * 1024 * 1024


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
    with open_to_read(path) as file:
        return read_open(file)


def read_open(file: BinaryIO) -> bytes:
    """The content of a small file that is open.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger than `MAX_SMALL_FILE_BYTES`.
    """
    content = file.read(MAX_SMALL_FILE_BYTES + 1) if file_size(file) <= MAX_SMALL_FILE_BYTES else None
    if content is None or len(content) > MAX_SMALL_FILE_BYTES:
        raise ValueError(f"it is larger than {MAX_SMALL_FILE_BYTES} bytes")
    return content


def open_to_read(path: Path, *, follows_link: bool = True) -> BinaryIO:
    """Opens a file for reading. A pipe, which may have taken the file's place, is not waited for.

    Args:
        follows_link: whether the file itself may be a link, where the system can tell; its folders always may.

    Raises:
        OSError: there is no such file, or it cannot be read, or is a pipe or device, or (`ELOOP`) such a link.
    """
    more = 0 if follows_link else getattr(os, "O_NOFOLLOW", 0)
    file = open(path, "rb", opener=partial(_open_without_waiting, more=more))  # noqa: SIM115 - the caller closes it
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return file


def _open_without_waiting(name: str, flags: int, more: int) -> int:
    try:
        return os.open(name, flags | more | getattr(os, "O_NONBLOCK", 0))
    except BlockingIOError:  # a file that another program has leased: it is given free soon
        return os.open(name, flags | more)


def file_size(file: BinaryIO) -> int:
    """The size of an open file, in bytes."""
    return os.fstat(file.fileno()).st_size


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


def modified_ns(state: os.stat_result) -> int:
    """When a file was changed last: ns since 1970, within the 64 bits that databases and messages have room for.

    Some drives tell of the year 1601, where a date was lost, or of 9999; they are taken for 1677 and 2262.
    """
    return max(-(2**63), min(state.st_mtime_ns, 2**63 - 1))


def is_drive_full(error: OSError) -> bool:
    """True if the drive, or the user's share of it, has no space left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def write_whole(path: Path, content: bytes, *, private: bool = True) -> None:
    """Writes `content` to `path` atomically, replacing an existing file; creates the folder if needed.

    Args:
        private: only the user may read the file, and a folder that is created; else the user's umask decides.

    Raises:
        OSError: it cannot be written; an existing file is unchanged.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # another process may be writing it too
    try:
        if private:
            private_folder(path.parent)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
        with new_private_file(partial, FILE_MODE if private else 0o666) as file:
            file.write(content)
        partial.replace(path)
    except OSError:
        with suppress(OSError):  # what prevents writing may prevent this too
            partial.unlink()
        raise


def sha256_of(path: Path, checkpoint: Callable[[], None] = lambda: None) -> str:
    """The SHA-256 of a file, in hexadecimal; `checkpoint` is called after each megabyte, and may raise to stop."""
    digest = hashlib.sha256()
    with open_to_read(path) as file:
        while block := file.read(1 << 20):
            digest.update(block)
            checkpoint()
    return digest.hexdigest()


def crc32_of(file: BinaryIO) -> int:
    """The CRC-32 of a whole file, in one call, because reading in blocks waits for the interpreter after each."""
    if not file_size(file):
        return 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content)
