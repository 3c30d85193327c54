"""What a bug report must not tell: whose computer it is, where the music lies, and every secret."""

from __future__ import annotations

import getpass
import os
import re
import socket
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePath
from urllib.parse import quote

#: Shorter names are replaced only where they are a whole word.
_TELLING_LETTERS = 5
#: Accounts whose name says nothing, and is a word of other texts.
_COMMON_NAMES = ("root", "user", "admin")


class Redaction:
    """Replaces texts, longer ones first, whatever their case and Unicode form."""

    def __init__(self, stand_ins: Mapping[str, str]) -> None:
        """`stand_ins`: what to replace → what stands there instead."""
        composed = {unicodedata.normalize("NFC", text): stand_in for text, stand_in in stand_ins.items() if text}
        self._stand_ins = {text.casefold(): stand_in for text, stand_in in composed.items()}
        texts = sorted(composed, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_pattern, texts)) or r"(?!)", re.IGNORECASE)

    def text(self, text: str) -> str:
        """`text` in Unicode's composed form, with its stand-ins."""
        return self._pattern.sub(
            lambda found: self._stand_ins.get(found[0].casefold(), "(not told)"), unicodedata.normalize("NFC", text)
        )

    def value(self, value: object) -> object:
        """A value in JSON's types, with the stand-ins in all its texts, also in keys."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(key)): self.value(of_key) for key, of_key in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
        return value


def redaction_for(secrets: Iterable[str], folders: Iterable[str]) -> Redaction:
    """The redaction for this computer: `secrets` vanish, and `folders` (of clips and results) become numbers."""
    home = Path.home()
    stand_ins: dict[str, str] = {}
    for number, folder in enumerate(_own_folders(folders, home), 1):
        stand_ins |= dict.fromkeys(_spellings(folder), f"folder-{number}")
    for place in {str(home), os.path.realpath(home)}:
        if PurePath(place).name:  # not the root of a drive
            stand_ins |= dict.fromkeys(_spellings(place), "~")
    stand_ins |= dict.fromkeys(filter(None, _user_names(home)), "USER")
    with suppress(OSError):
        stand_ins[socket.gethostname()] = "HOST"
    stand_ins |= {secret: "(secret)" for secret in secrets if len(secret) >= _TELLING_LETTERS}
    return Redaction(stand_ins)


def _own_folders(folders: Iterable[str], home: Path) -> Iterator[str]:
    """Those folders whose names tell something: neither the home itself nor a folder above it."""
    common = {str(place) for place in (home, *home.parents)}
    for folder in dict.fromkeys(folders):
        if folder not in common and PurePath(folder).name:
            yield folder


def _user_names(home: Path) -> Iterator[str]:
    names = [home.name, *(os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME"))]
    with suppress(Exception):  # an account without an entry; which error says so depends on the system
        names.append(getpass.getuser())
    yield from (name for name in names if name.casefold() not in _COMMON_NAMES)


def _spellings(path: str) -> set[str]:
    """A path as texts have it: as it is, with Python's doubled backslashes, with slashes, and in a URI."""
    return {path, path.replace("\\", "\\\\"), path.replace("\\", "/"), quote(path), quote(path.replace("\\", "/"))}


def _pattern(text: str) -> str:
    pattern = re.escape(text)
    if len(text) >= _TELLING_LETTERS:
        return pattern
    return rf"(?<![^\W\d_]){pattern}(?![^\W\d_])"
