"""The worker's memory: kept from one window to the next, released when the worker is idle.

By default, glibc returns large blocks to the system as soon as they are free, and gets them again, page by page and
zeroed, for the next window: with torch more than 100 000 pages per window, a tenth to a quarter of its time. On a
virtual machine this also costs the host, which takes the memory away and has to provide it again. See
docs/decisions/0101-the-worker-keeps-its-memory.md.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping

#: Free memory that may stay at the top of the heap; free memory below used blocks always stays.
TRIM_THRESHOLD_BYTES = 512 * 2**20
#: Blocks up to this size come from the heap. Before glibc 2.35 the limit is lower, and a setting above it is ignored,
#: which leaves the default of 128 KiB.
BLOCK_BYTES, OLD_GLIBC_BLOCK_BYTES = 256 * 2**20, 32 * 2**20
LARGE_BLOCKS_SINCE = (2, 35)


def environment(glibc: tuple[int, int] | None) -> Mapping[str, str]:
    """Environment variables for the worker process, for this version of glibc (see `glibc_version`).

    They also turn off the huge pages that numpy requests: the kernel would rebuild them every ten seconds in memory
    that is reused all the time.
    """
    if glibc is None:
        return {}
    block_bytes = BLOCK_BYTES if glibc >= LARGE_BLOCKS_SINCE else OLD_GLIBC_BLOCK_BYTES
    return {
        "MALLOC_TRIM_THRESHOLD_": str(TRIM_THRESHOLD_BYTES),
        "MALLOC_MMAP_THRESHOLD_": str(block_bytes),
        "NUMPY_MADVISE_HUGEPAGE": "0",
    }


def glibc_version() -> tuple[int, int] | None:
    """The glibc version of this process; None for another C library."""
    if sys.platform != "linux":
        return None
    try:
        name, version = str(os.confstr("CS_GNU_LIBC_VERSION")).split()
        major, minor = map(int, version.split(".")[:2])
    except (ValueError, OSError):  # musl
        return None
    return (major, minor) if name == "glibc" else None


def release_memory() -> None:
    """Returns this process's free memory to the system; does nothing without glibc."""
    import ctypes  # the main process only uses `environment`, and need not load it

    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).malloc_trim(0)
