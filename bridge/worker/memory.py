"""The worker's memory: kept from one window to the next, given back once there is nothing to do.

glibc gives large blocks back to the system as soon as they are free, and gets them anew, page by page and zeroed, for
the next window: more than 100 000 pages for each where torch computes, a tenth to a quarter of its time. Others pay,
too: what a virtual machine gives back, its host takes away and has to bring again. See
docs/decisions/0101-the-worker-keeps-its-memory.md.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys

#: Free memory up to this much stays with the process, and blocks up to this size come from it.
KEPT_BYTES = 512 * 2**20
BLOCK_BYTES = 256 * 2**20
#: For the process that is to work like this; read by glibc and by numpy when they are loaded, unknown to all others.
#: Huge pages, which numpy asks for, would be put together anew every ten seconds in memory that changes its use.
ENVIRONMENT = {
    "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
    "MALLOC_MMAP_THRESHOLD_": str(BLOCK_BYTES),
    "NUMPY_MADVISE_HUGEPAGE": "0",
}


def give_back() -> None:
    """Returns to the system all that is free in this process; nothing where the C library knows no such thing."""
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).malloc_trim(0)
