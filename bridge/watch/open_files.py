"""Whether another program still writes a file, where the system tells."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path


def is_open_for_writing(path: Path) -> bool:
    """Whether a program has the file open to write it. False also where that cannot be told.

    Linux grants a read lease only on a file that nobody has open for writing, to its owner, on its own drives. It is
    given back at once. On Windows a file that is being copied cannot be opened at all, which the inspector finds out;
    macOS does not tell. It may wait for the drive.
    """
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Who opens the file just now makes the kernel send a signal, which ends a process unless it is one of these.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False
