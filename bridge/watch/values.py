"""What is known of the clips in a watched folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bridge.value import Value

#: `waiting`: for its turn; `submitted`: a job, or about to be one.
ClipState = Literal["waiting", "submitted", "done", "failed"]


class FileState(Value, frozen=True):
    """What changes with a file's content, as far as its folder tells."""

    size: int
    """In bytes."""
    modified_ns: int
    """Time of its last change, since 1970."""


class WatchedClip(Value, frozen=True, kw_only=True):
    """One clip, as the ledger keeps it."""

    path: str
    """Relative to the watched folder; a name that is no UTF-8 has surrogates, as everywhere in Python."""
    file: FileState
    state: ClipState
    digest: str = ""
    """SHA-256 of its content; empty: it is too large, or was not read."""
    job: str = ""
    """The job of it; empty: it has none, or it is not known yet."""
    code: str = ""
    message: str = ""
    """Why it failed, or cannot be used yet; else empty."""
    unix_seconds: float = 0.0
    """When that became so."""


class WatchChoice(Value, frozen=True, kw_only=True):
    """A folder to watch, and how."""

    folder: Path
    """Absolute."""
    out: Path | None = None
    """Where results go, with the subfolders of `folder`; None: beside each clip, as always."""
    settle_seconds: float = 2.0
    """A file that has not changed for so long is complete, as far as can be told."""
    is_polled: bool | None = None
    """Whether the folder is looked through every few seconds, where the system tells of no changes; None: found out."""
    again: bool = False
    """Whether what failed before is tried again."""
