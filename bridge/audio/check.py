"""Checks that a path can be an audio source. Imports nothing heavy: the main process calls it at every submission."""

from __future__ import annotations

import stat
from pathlib import Path

from bridge.errors import NotFound, NotReadable
from bridge.system.files import modified_ns, open_to_read


def check_source(path: Path) -> None:
    """Checks, without reading it, that `path` can be a source.

    Raises:
        NotFound: the path does not exist.
        NotReadable: it is a folder or a device, or the user may not read it.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise NotReadable(f"{path} is a folder, not a file.")
        if not stat.S_ISREG(mode):
            raise NotReadable(f"{path} is not a file.")
        with open_to_read(path):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL
        raise NotReadable(f"{path} cannot be opened: {error}.") from error


def size_and_time(path: Path) -> tuple[int, int] | None:
    """Size in bytes and modification time in ns, which change with a file's content; None if it is missing."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_size, modified_ns(state)


def changed(path: Path) -> NotReadable:
    """The error for a file that was written to while it was read."""
    return NotReadable(
        f"{path.name} was changed while it was being read.",
        advice="Wait until the clip is completely written, then run the job again.",
    )
