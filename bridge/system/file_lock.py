"""A lock on an open file, which the system releases when its process ends, in whatever way."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from bridge.system.private_folders import FILE_MODE

#: On Windows a locked byte cannot be read by others: this one lies behind everything that is.
_LOCKED_BYTE = 1 << 30


def open_lock_file(path: Path) -> BinaryIO | None:
    """Opens a file to lock, for reading and writing without a buffer; makes it if there is none.

    Returns None where no file can be made, or where a link, a pipe or a device has its name.
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        file = os.fdopen(os.open(path, flags, FILE_MODE), "r+b", buffering=0)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None


def try_lock(file: BinaryIO) -> bool:
    """Takes the lock; returns False if another open file holds it.

    On drives without locks (some servers) it is always granted.
    """
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file.fileno(), _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file.fileno(), 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
