"""Finds the User Library of Ableton Live: where Live itself has noted it, else where it usually lies.

Live keeps the place in `Library.cfg`, in the folder of its preferences, one for each version that has run:

    <Ableton …><ContentLibrary><UserLibrary><LibraryProject Id="0">
        <ProjectName Value="User Library"/> <ProjectPath Value="D:/Ableton"/>

The library is the folder ProjectName in ProjectPath, of the first LibraryProject in UserLibrary; public programs that
run on Live 11 to 12.4 read it like this. The newest version's counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from xml.parsers import expat

#: A file of Live's has some hundred kilobytes; what is larger is something else.
MAX_BYTES = 16 << 20
USER_LIBRARY = "User Library"
_PROJECT = ("UserLibrary", "LibraryProject")
_FORBIDDEN = re.compile(r"[\x00-\x1f]")


class Unreadable(ValueError):  # noqa: N818 - the name states the problem
    """A `Library.cfg` that names no library; the message says why."""


@dataclass(frozen=True)
class Search:
    """What looking for the User Library has found."""

    library: Path | None
    remarks: tuple[str, ...] = ()
    """What was found and cannot be used, in words."""


def find_library(home: Path, environment: Mapping[str, str], platform: str) -> Search:
    """The User Library of the newest Live that notes one which is there; else a library in one of the usual places."""
    remarks = []
    for file in _configurations(home, environment, platform):
        try:
            library = named_library(_content(file), platform)
        except Unreadable as error:
            remarks.append(f"{file}: {error}")
            continue
        if _is_folder(library):
            return Search(library, tuple(remarks))
        remarks.append(f"{file} names {library}, which is not there.")
    usual = next((folder for folder in _usual_places(home, environment, platform) if _is_folder(folder)), None)
    return Search(usual, tuple(remarks))


def named_library(content: bytes, platform: str) -> Path:
    """The library that a `Library.cfg` names.

    Raises:
        Unreadable: it is not XML, names no absolute folder, or has a document type (Live's has none, and entities can
            be made to fill the memory).
    """
    values = _first_project(content)
    parent, name = values.get("ProjectPath", "").strip(), values.get("ProjectName", "").strip() or USER_LIBRARY
    if not parent:
        raise Unreadable("it names no User Library.")
    if _FORBIDDEN.search(parent + name) or re.search(r"[/\\]", name) or name in (".", ".."):
        raise Unreadable("the name of its User Library is no name of a folder.")
    is_absolute = PureWindowsPath(parent).is_absolute() if platform == "win32" else parent.startswith("/")
    if not is_absolute:
        raise Unreadable(f"its User Library lies in {parent!r}, which is no full path.")
    return Path(parent) / name


def _first_project(content: bytes) -> dict[str, str]:
    """Element → value, of the first LibraryProject in UserLibrary."""
    values: dict[str, str] = {}
    open_elements: list[str] = []
    projects = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal projects
        open_elements.append(name)
        if tuple(open_elements[-2:]) == _PROJECT:
            projects += 1
        if projects == 1 and tuple(open_elements[-3:-1]) == _PROJECT and "Value" in attributes:
            values.setdefault(name, attributes["Value"])

    def end(_: str) -> None:
        open_elements.pop()

    def refuse_document_type(*_: object) -> None:
        raise Unreadable("it has a document type, which Live's own files have not.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse_document_type
    try:
        parser.Parse(content, True)
    except Unreadable:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that it does not know
        raise Unreadable(f"it cannot be read ({error}).") from error
    return values


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, or a folder that may not be looked into
        return False


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"it cannot be read ({error.strerror or error}).") from error
    if len(content) > MAX_BYTES:
        raise Unreadable("it is far too large.")
    return content


def _configurations(home: Path, environment: Mapping[str, str], platform: str) -> Iterator[Path]:
    """Every version's Library.cfg, newest first."""
    if platform == "win32":
        ableton = Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "Ableton"
    else:
        ableton = home / "Library" / "Preferences" / "Ableton"
    try:
        versions = [folder for folder in ableton.iterdir() if re.match(r"Live \d", folder.name)]
    except OSError:
        return
    for folder in sorted(versions, key=lambda folder: _version(folder.name), reverse=True):
        for file in (folder / "Preferences" / "Library.cfg", folder / "Library.cfg"):
            with suppress(OSError):
                if file.is_file():
                    yield file


def _version(name: str) -> tuple[tuple[int, ...], bool, str]:
    """Sorts `Live 12.10` after `Live 12.9`, and a beta, `Live 12.2b3`, before its release."""
    numbers = re.match(r"Live (\d+(?:\.\d+)*)(.*)", name)
    assert numbers is not None
    return tuple(map(int, numbers[1].split("."))), not re.match(r"b\d", numbers[2]), name


def _usual_places(home: Path, environment: Mapping[str, str], platform: str) -> Iterator[Path]:
    if platform != "win32":
        yield home / "Music" / "Ableton" / USER_LIBRARY
        return
    clouds = [environment.get(name) for name in ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")]
    for parent in (home, *(Path(cloud) for cloud in clouds if cloud), home / "OneDrive"):
        yield parent / "Documents" / "Ableton" / USER_LIBRARY
