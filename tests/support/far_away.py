"""Makes a file behave like one on storage that does not answer."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def out_of_reach(path: Path) -> Iterator[None]:
    """Within the block, opening the file blocks for up to 45 s, because this process holds a lease on it."""
    if sys.platform != "linux":
        pytest.skip("only Linux has leases on files")
    import fcntl

    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the kernel's request to release the lease is ignored
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
