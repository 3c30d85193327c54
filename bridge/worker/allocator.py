"""The worker's memory: kept from one window to the next, given back once there is nothing to do.

glibc gives large blocks back to the system as soon as they are free, and gets them anew, page by page and zeroed, for
the next window: more than 100 000 pages for each where torch computes, a tenth to a quarter of its time. Others pay,
too: what a virtual machine gives back, its host takes away and has to bring again. See
docs/decisions/0101-the-worker-keeps-its-memory.md.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping

#: As much as this may stay at the top of the heap; what lies free below what is used stays anyway.
KEPT_BYTES = 512 * 2**20
#: Blocks up to this size come from the heap. Before glibc 2.35 no more is allowed, and a setting beyond it would leave
#: 128 KiB in force.
BLOCK_BYTES, OLD_BLOCK_BYTES = 256 * 2**20, 32 * 2**20
ANY_BLOCK = (2, 35)


def environment(glibc: tuple[int, int] | None) -> Mapping[str, str]:
    """For the process that is to work like this, which reads it before it begins; `glibc` as `glibc_version` says.

    Huge pages, which numpy asks for, would be put together anew every ten seconds in memory that changes its use.
    """
    if glibc is None:
        return {}
    block_bytes = BLOCK_BYTES if glibc >= ANY_BLOCK else OLD_BLOCK_BYTES
    return {
        "MALLOC_TRIM_THRESHOLD_": str(KEPT_BYTES),
        "MALLOC_MMAP_THRESHOLD_": str(block_bytes),
        "NUMPY_MADVISE_HUGEPAGE": "0",
    }


def glibc_version() -> tuple[int, int] | None:
    """Of this process; None where it runs on another C library."""
    if sys.platform != "linux":
        return None
    try:
        name, version = str(os.confstr("CS_GNU_LIBC_VERSION")).split()
        major, minor = map(int, version.split(".")[:2])
    except (ValueError, OSError):  # musl
        return None
    return (major, minor) if name == "glibc" else None


def give_back_memory() -> None:
    """Returns to the system what is free in this process; nothing where the C library knows no such thing."""
    import ctypes  # the main process, which only passes the settings on, need not load it

    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).malloc_trim(0)
