"""A file on storage that does not answer, made of one that does."""

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
    """Within the block, whoever opens the file waits, for up to 45 s: we hold a lease on it and do not give it back."""
    if sys.platform != "linux":
        pytest.skip("only Linux has leases on files")
    import fcntl

    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # somebody wants it: we know
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
