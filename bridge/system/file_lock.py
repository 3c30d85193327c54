"""A lock on an open file, which the system releases when its process ends, in whatever way."""

from __future__ import annotations

import os
import sys
from typing import BinaryIO

#: On Windows a locked byte cannot be read by others: this one lies behind everything that is.
_LOCKED_BYTE = 1 << 30


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
