"""Folders and files of the bridge's own that no other account may read: 0700 and 0600, whatever the umask.

On Windows, a user's profile is closed to other users already, and there is nothing to do.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

FOLDER_MODE, FILE_MODE = 0o700, 0o600
#: What the bridge keeps in its folders for state and for caches. A folder with anything else in it may be the user's.
_OURS = re.compile(
    r"\d+(-[\w.]+)?|jobs.*|bridge\.log.*|results|previews|openvino|converted|watch|farm|token|secret|config\.toml"
    r"|[\w.-]+\.json|\..*\.partial"
)


def private_folder(folder: Path) -> Path:
    """Makes a folder that only this account may enter, and those above it that are missing; an existing one is kept.

    Raises:
        OSError: it cannot be made.
    """
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def new_private_file(path: Path, mode: int = FILE_MODE) -> BinaryIO:
    """Makes a file that only this account may read, and opens it for writing.

    Args:
        mode: the permissions, before the user's umask.

    Raises:
        FileExistsError: something of that name is there, be it a link that leads nowhere.
        OSError: it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, mode), "wb")


def close_folder(folder: Path) -> None:
    """Takes every right of other accounts away from a folder of the bridge.

    Where the user has chosen a folder that holds other things too, only from what is the bridge's in it.
    """
    with suppress(OSError):
        entries = list(folder.iterdir())
        ours = [entry for entry in entries if _OURS.fullmatch(entry.name)]
        close_to_others([folder] if len(ours) == len(entries) else ours)


def close_to_others(entries: Iterable[Path]) -> None:
    """Takes every right of other accounts away from these files and folders, and from all that the folders contain.

    Links are not followed, and what belongs to another account is left alone. Whatever cannot be changed is skipped.
    """
    if sys.platform == "win32":
        return
    for entry in entries:
        _close(entry)
        if entry.is_dir() and not entry.is_symlink():
            for folder, folders, files in os.walk(entry):  # follows no links
                for name in (*folders, *files):
                    _close(Path(folder, name))


def _close(path: Path) -> None:
    if sys.platform == "win32":
        return
    with suppress(OSError):
        found = path.lstat()
        is_ours = found.st_uid == os.geteuid()
        if (
            is_ours
            and stat.S_IMODE(found.st_mode) & 0o077
            and (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode))
        ):
            path.chmod(stat.S_IMODE(found.st_mode) & ~0o077)
