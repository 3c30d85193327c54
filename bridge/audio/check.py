"""Whether a path can be an audio file at all; light enough for the main process to ask at every submission."""

from __future__ import annotations

import stat
from pathlib import Path

from bridge.errors import NotFound, NotReadable


def check_source(path: Path) -> None:
    """Sees, without reading it, whether `path` can be a source at all.

    Raises:
        NotFound: there is nothing of that name.
        NotReadable: it is a folder or a device, or may not be read.
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
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise NotReadable(f"{path} cannot be opened: {error}.") from error
