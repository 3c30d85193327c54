"""Storage that fails: small drives, drives that become read-only, and drives that hang."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FUSE = Path("/dev/fuse")
_MNT_FORCE, _MNT_DETACH = 1, 2


def why_no_mounts() -> str:
    """What this machine lacks to mount drives; empty if it lacks nothing."""
    if sys.platform != "linux":
        return "drives are mounted on Linux only"
    if os.geteuid() != 0:
        return "only root can mount a drive"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        return "this machine does not let us mount drives"
    return ""


@contextlib.contextmanager
def drive(folder: Path, megabytes: int) -> Iterator[Path]:
    """A drive of that size, in memory, at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)


def set_read_only(folder: Path, read_only: bool) -> bool:
    """Whether the drive at `folder` could be made read-only or writable again; not while files are open for writing."""
    mode = "ro" if read_only else "rw"
    return not subprocess.run(
        ["mount", "-o", f"remount,{mode}", str(folder)], capture_output=True, check=False
    ).returncode


def fill(folder: Path, leave_bytes: int = 0) -> Path:
    """Fills the drive of `folder` up to `leave_bytes`; returns the file that does it."""
    filler = folder / "filler.bin"
    free = os.statvfs(folder)
    with filler.open("wb") as file, contextlib.suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_bsize - leave_bytes))
    return filler


@contextlib.contextmanager
def hanging_drive(folder: Path) -> Iterator[Path]:
    """A drive on which every access waits, as on a network drive whose server is gone, until the block ends.

    It is a FUSE file system whose program never answers. Who waits there can still be killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    device = os.open(FUSE, os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"nothing", bytes(folder), b"fuse", 0, options):
        os.close(device)
        raise OSError(ctypes.get_errno(), "FUSE cannot be mounted", str(folder))
    try:
        yield folder
    finally:
        os.close(device)  # every access that waits fails now
        libc.umount2(bytes(folder), _MNT_FORCE | _MNT_DETACH)
