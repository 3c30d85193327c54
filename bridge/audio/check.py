"""Checks that a path can be an audio source. Imports nothing heavy: the main process calls it at every submission."""

from __future__ import annotations

import stat
from pathlib import Path

from bridge.errors import NotFound, NotReadable


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
        with path.open("rb"):
            pass
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file {path}.") from None
    except (OSError, ValueError) as error:  # ValueError: the name contains a NUL
        raise NotReadable(f"{path} cannot be opened: {error}.") from error
