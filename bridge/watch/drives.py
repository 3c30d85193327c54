"""Whether the system tells of changes on a drive: not of those that other computers make on theirs."""

from __future__ import annotations

import os
from pathlib import Path

#: File systems whose files other machines change. Of those below `fuse.`, some are local; they are polled too.
REMOTE = frozenset(
    [
        *("9p", "afpfs", "afs", "ceph", "cifs", "davfs", "drvfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs"),
        *("nfs3", "nfs4", "prl_fs", "smb", "smb2", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav"),
    ]
)


def is_remote(path: Path) -> bool:
    """Whether the folder lies on a network share or another machine's drive, by the system's table of drives.

    The drive itself is not asked, so one that does not answer does not block.
    """
    import psutil  # loaded when the first folder is watched

    named = os.fspath(path)
    if named.startswith(("\\\\", "//")):
        return True
    best = None
    for drive in psutil.disk_partitions(all=True):
        is_closer = best is None or len(drive.mountpoint) >= len(best.mountpoint)
        if is_closer and _is_below(named, drive.mountpoint):
            best = drive
    if best is None:
        return False
    kind = best.fstype.lower()
    return kind in REMOTE or kind.startswith("fuse.") or "remote" in best.opts.split(",")


def _is_below(path: str, mountpoint: str) -> bool:
    path, mountpoint = os.path.normcase(path), os.path.normcase(mountpoint)
    return path == mountpoint or path.startswith(os.path.join(mountpoint, ""))  # noqa: PTH118 - ends with one separator
