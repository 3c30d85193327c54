"""Keys: the token of this account, which every start makes, and the secret that the user makes for other computers.

A key is the text of a file that only its owner may read. It is in no setting and in no variable of the environment, so
nothing that prints or logs those can give it away.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bridge.config import Settings, default_secret_file
from bridge.errors import BadArguments
from bridge.system import sockets
from bridge.system.files import write_whole
from bridge.system.private_folders import new_private_file, private_folder

#: A shorter one could be guessed from one overheard proof.
MIN_SECRET_CHARACTERS = 24
MAX_KEY_BYTES = 1024
TOKEN_NAME = "token"  # noqa: S105 - a file's name


class AccessKey:
    """A secret text; it never shows itself."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        self._content = content

    @property
    def content(self) -> bytes:
        return self._content

    def __repr__(self) -> str:
        return "AccessKey(…)"


class BrokenToken(BadArguments):
    """The token's file has no token that nobody can guess."""


def new_secret(path: Path) -> None:
    """Makes a file with a new secret, which only this account may read.

    Raises:
        BadArguments: there is one already.
        OSError: it cannot be written.
    """
    try:
        _make(path)
    except FileExistsError:
        raise BadArguments(
            f"There is a secret already: {path}.",
            advice="Delete that file first for a new one; every computer that uses the old one then needs the new one.",
        ) from None


def read_secret(path: Path) -> AccessKey:
    """The user's secret.

    Raises:
        BadArguments: there is none, it is too short, or other accounts may read it.
    """
    try:
        key = _read(path)
    except FileNotFoundError:
        raise BadArguments(f"There is no secret in {path}.", advice="Make one with `sab secret new`.") from None
    except OSError as error:
        raise BadArguments(
            f"The secret {path} cannot be read: {error.strerror}.",
            advice="Make it yours, or delete it and make a new one.",
        ) from error
    if len(key.content) < MIN_SECRET_CHARACTERS:
        raise BadArguments(
            f"The secret in {path} has {len(key.content)} characters; at least {MIN_SECRET_CHARACTERS} are needed.",
            advice="Delete the file, and make a new one with `sab secret new`.",
        )
    return key


def account_token(state_dir: Path) -> AccessKey | None:
    """The token of this account, made if there is none, or a broken one; None if that is not possible."""
    with suppress(OSError, BadArguments):
        with suppress(FileExistsError):
            _make(state_dir / TOKEN_NAME)
        try:
            return read_token(state_dir)
        except BrokenToken:
            return new_account_token(state_dir)
    return None


def read_token(state_dir: Path) -> AccessKey:
    """The token of this account.

    Raises:
        OSError: there is none, or it cannot be read.
        BadArguments: other accounts may read it.
        BrokenToken: who made it was killed before it was written.
    """
    key = _read(state_dir / TOKEN_NAME)
    if len(key.content) < MIN_SECRET_CHARACTERS:
        raise BrokenToken(f"The token in {state_dir} is broken.", advice="Make another one with `sab token --new`.")
    return key


def new_account_token(state_dir: Path) -> AccessKey:
    """Puts a new token in the place of the one of this account: all passes of that one are void.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    content = _new_content()
    write_whole(state_dir / TOKEN_NAME, content)
    return AccessKey(content.strip())


def keys_for(settings: Settings) -> Sequence[AccessKey]:
    """What this account can prove itself with to the bridge at `settings.host`, the likeliest first.

    Raises:
        BadArguments: the settings name a secret that cannot be used.
    """
    found = []
    if not beyond_loopback(settings.host):
        with suppress(OSError, BadArguments):
            found.append(read_token(settings.state_dir))
    path = settings.secret_file or default_secret_file()
    if settings.secret_file is not None or path.exists():
        found.append(read_secret(path))
    return found


def beyond_loopback(host: str) -> bool:
    """Whether a server on `host` is reached by other computers."""
    return host.lower() != "localhost" and not sockets.is_loopback(host)


def _make(path: Path) -> None:
    private_folder(path.parent)
    with new_private_file(path) as file:
        file.write(_new_content())


def _new_content() -> bytes:
    return f"{secrets.token_urlsafe(32)}\n".encode("ascii")


def _read(path: Path) -> AccessKey:
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadArguments(f"The secret {path} is no file.", advice="Make one with `sab secret new`.")
        if sys.platform != "win32" and found.st_mode & 0o077:
            raise BadArguments(
                f"Other accounts may read the secret {path}.", advice=f"Say `chmod 600 {path}`, or make a new one."
            )
        return AccessKey(file.read(MAX_KEY_BYTES).strip())
