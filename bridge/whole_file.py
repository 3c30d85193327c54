"""Small files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Puts `content` where `path` is, in place of what was there; makes the folder where it is missing.

    Raises:
        OSError: it cannot be written there; what was there is as it was.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")  # another process may write it too
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with suppress(OSError):  # what hinders the writing may hinder this too
            partial.unlink()
        raise
