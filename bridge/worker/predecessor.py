"""The worker of a bridge that was killed: it may still be at its job for a moment, and the next one waits for its end.

Otherwise both would write the same files, as the next bridge takes up the same job.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bridge.system.file_lock import open_lock_file, try_lock

#: How long it may take to end by itself, as it notices that its bridge is gone; after that it is killed.
GRACE_SECONDS = 4.0
#: After this time a worker that hangs with its drive is not waited for any longer.
GIVE_UP_SECONDS = 12.0
_POLL_SECONDS = 0.05
_SIGNAL = getattr(signal, "SIGKILL", signal.SIGTERM)


def follow_predecessor(
    lock: Path, *, grace_seconds: float = GRACE_SECONDS, give_up_seconds: float = GIVE_UP_SECONDS
) -> BinaryIO | None:
    """Waits until no other worker of this bridge runs; returns the open lock, which must stay open until the end.

    None: there can be no lock in this folder.
    """
    file = open_lock_file(lock)
    if file is None:
        return None
    began = time.monotonic()
    is_killed = False
    while not try_lock(file):
        waited = time.monotonic() - began
        if waited > give_up_seconds:
            return file
        if waited > grace_seconds and not is_killed:
            is_killed = True
            _kill_holder(file)
        time.sleep(_POLL_SECONDS)
    with suppress(OSError):  # on a full drive, it only cannot be killed
        file.truncate(0)
        file.write(str(os.getpid()).encode())
    return file


def _kill_holder(file: BinaryIO) -> None:
    """Kills the process that has written its number into the file, which holds the lock, so it lives."""
    with suppress(OSError, ValueError):
        file.seek(0)
        pid = int(file.read(20))
        file.seek(0)
        if pid > 1 and pid != os.getpid():
            os.kill(pid, _SIGNAL)
