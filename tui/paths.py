"""The file paths in a piece of text that was typed, pasted, or dropped onto the terminal.

Terminals differ: a dropped file arrives in quotes, with its spaces escaped, as a `file://` URL, or bare.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

_URL = re.compile(r"file://", re.IGNORECASE)
_WINDOWS_PATH = re.compile(r"""["']?(?:[A-Za-z]:[\\/]|\\\\)""")
_WINDOWS_DRIVE_IN_URL = re.compile(r"/[A-Za-z]:/")
_QUOTED = re.compile(r""""([^"]+)"|'([^']+)'""")


def paths_in(text: str) -> tuple[str, ...]:
    """The paths in `text`, in order; relative paths stay relative.

    A line that holds spaces is several paths only where each part is quoted, absolute or a URL; otherwise the spaces
    belong to one path.
    """
    return tuple(path for line in text.splitlines() for path in _paths_in_line(line.strip("\0 \t")))


def as_typed(paths: Sequence[str]) -> str:
    """One line of text that `paths_in` reads back as `paths`; a single path is quoted only where it must be."""
    if len(paths) == 1 and paths_in(paths[0]) == tuple(paths):
        return paths[0]
    if any(len(path.splitlines()) > 1 or path[-1:].isspace() or path.endswith("\0") for path in paths):
        # A line break in a name would end the line.
        return " ".join(f"file://{quote(path, errors='surrogateescape')}" for path in paths)
    return " ".join(f'"{path}"' if _WINDOWS_PATH.match(path) else shlex.quote(path) for path in paths)


def _paths_in_line(line: str) -> list[str]:
    if not line:
        return []
    if _URL.match(line):
        return [_from_url(url) for url in line.split()]
    if _WINDOWS_PATH.match(line):  # a backslash separates folders here and escapes nothing
        return [double or single for double, single in _QUOTED.findall(line)] or [line]
    try:
        parts = shlex.split(line)
    except ValueError:  # an apostrophe that is part of the name
        return [line]
    several = all(part.startswith(("/", "~")) or _URL.match(part) for part in parts)
    if several or len(parts) == 1:
        return [_from_url(part) if _URL.match(part) else part for part in parts]
    return [line]


def _from_url(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path, errors="surrogateescape")
    if _WINDOWS_DRIVE_IN_URL.match(path):
        return path[1:]
    return path if parts.netloc in ("", "localhost") else f"//{parts.netloc}{path}"
