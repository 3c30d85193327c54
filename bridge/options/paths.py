"""Paths as DAWs, browsers, Max patches and people write them, made absolute."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bridge.errors import BadArguments, NotFound, NotReadable
from bridge.options.readers import text
from bridge.plain import is_text


def absolute_path(name: str, value: object, base: Path | None = None) -> str:
    """The absolute path.

    Accepts plain paths, `~`, `file://` addresses, and Max's `Macintosh HD:/Users/…`; on a Mac, volumes other than the
    start volume are under `/Volumes`. `base` is the folder that a relative path starts from; None: relative paths are
    refused, because a message from another program has no current folder. A name that exists in `base` as written
    takes precedence over every other meaning of `~take.wav` or `file:a.wav`.

    Raises:
        BadArguments: it is empty, a web address, on another computer, or holds a NUL.
    """
    written = text(name, value)
    if not written.strip() or "\0" in written:
        raise BadArguments(f"{name} must be a file or folder, not {written!r}.")
    if not is_text(written):
        raise BadArguments(f"{name} is not a name in UTF-8: {written!r}.", advice="Rename the file or folder first.")
    if base is not None and os.path.lexists(base / written):
        return os.path.normpath(base / written)
    if written.lower().startswith("file:"):
        written = _path_of_file_url(written)
    elif "://" in written[:10]:
        raise BadArguments(f"{name} must be a file on this computer, not the address {written!r}.")
    elif volume := re.match(r"([^/\\:]{2,}):(/.*)", written, re.DOTALL):
        if volume[1] == "Macintosh HD":
            written = volume[2]
        elif sys.platform == "darwin":
            written = f"/Volumes/{volume[1]}{volume[2]}"
    if base is None and sys.platform == "win32" and re.match(r"[/\\]{2}", written):
        # Windows would log on there with the user's name and password, so no message may name another computer.
        raise BadArguments(
            f"{name} must be a file on this computer, not on a server: {written!r}.",
            advice="Give the share a drive letter, and name the file by that.",
        )
    path = os.path.expanduser(written)  # noqa: PTH111 – pathlib would take the `~` of `./~take.wav` for a home as well
    if path.startswith("~"):
        raise BadArguments(
            f"{name} names the home folder of an unknown user: {written!r}.", advice=f"A file of that name is ./{path}."
        )
    if base is None and not Path(path).is_absolute():
        raise BadArguments(f"{name} must be a whole path, from the root on, not {written!r}.")
    # Without `..`, which leads the search for a project astray; but links stay: a clip may be linked into one.
    return os.path.normpath((base or Path()) / path)


def is_folder(path: Path) -> bool:
    """Whether what a user names is a folder, and no file; it may wait for a drive.

    Raises:
        NotFound: there is nothing.
        NotReadable: the system does not tell, as of what lies in a folder that this account may not enter.
    """
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file or folder {path}.") from None
    except OSError as error:
        raise NotReadable(f"{path} cannot be read: {error.strerror or error}.") from error


def current_folder() -> Path | None:
    """The folder that a user's relative paths start from; None if it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def _path_of_file_url(url: str) -> str:
    try:
        parts = urlsplit(url, allow_fragments=False)
    except ValueError as error:
        raise BadArguments(f"This is not a file address: {url!r}.") from error
    path = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
    if "\0" in path or not path.strip("/"):
        raise BadArguments(f"This address names no file: {url!r}.")
    if parts.netloc not in ("", "localhost"):
        raise BadArguments(f"A file address must be of this computer, not of the server {parts.netloc!r}: {url!r}.")
    return path[1:] if re.match(r"/[A-Za-z]:[/\\]", path) else path
