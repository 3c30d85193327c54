"""Putting our files into a DAW's folders and taking them out again, without losing what a user has changed there.

A record keeps the hash of each file as we wrote it: what still has that hash is ours, and may be replaced by a newer
version; what has another is the user's, and is touched only when they say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from bridge.errors import NotWritable
from bridge.system.files import read_json, write_whole

#: `changed`: something else lies there than we put there.
Step = Literal["new", "same", "update", "changed"]


class InstalledFile(msgspec.Struct, frozen=True):
    """One file and what installing it would do."""

    path: Path
    content: bytes
    step: Step


class InstallRecord:
    """Which files we have written, and what was in them: `{path: sha256}`, in one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def hashes(self) -> dict[Path, str]:
        """Empty where nothing was installed, or the record is not readable: then every file counts as the user's."""
        try:
            found = read_json(self._path, dict[str, str])
        except (OSError, ValueError):
            return {}
        return {Path(path): digest for path, digest in found.items()}

    def keep(self, hashes: Mapping[Path, str]) -> None:
        """Raises NotWritable."""
        text = msgspec.json.format(msgspec.json.encode({str(path): digest for path, digest in hashes.items()}))
        _write(self._path, text)


def plan(wanted: Mapping[Path, bytes], record: InstallRecord) -> list[InstalledFile]:
    """What installing these files would do to each of them; nothing is written.

    Raises:
        NotWritable: what lies there cannot even be read.
    """
    ours = record.hashes()
    return [InstalledFile(path, content, _step(path, content, ours.get(path))) for path, content in wanted.items()]


def install(files: Iterable[InstalledFile], record: InstallRecord) -> None:
    """Writes the files, each whole or not at all, and remembers them.

    Raises:
        NotWritable: a folder cannot be written to; the files before it are there and remembered.
    """
    hashes = record.hashes()
    for file in files:
        if file.step != "same":
            _write(file.path, file.content)
        hashes[file.path] = _digest(file.content)
        record.keep(hashes)


def installed(folders: Iterable[Path], record: InstallRecord) -> list[InstalledFile]:
    """What we have put into these folders and is still there: `same`, or `changed` by the user."""
    roots = tuple(folders)
    found = []
    for path, digest in record.hashes().items():
        if path.is_file() and any(path.is_relative_to(root) for root in roots):
            content = _read(path)
            found.append(InstalledFile(path, content, "same" if _digest(content) == digest else "changed"))
    return found


def remove(files: Iterable[InstalledFile], record: InstallRecord) -> None:
    """Removes the files and forgets them; their folders stay.

    Raises:
        NotWritable: one cannot be removed.
    """
    hashes = record.hashes()
    for file in files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise NotWritable(f"{file.path} cannot be removed: {error.strerror or error}.") from error
        hashes.pop(file.path, None)
        record.keep(hashes)


def _step(path: Path, content: bytes, ours: str | None) -> Step:
    if not path.exists():
        return "new"
    there = _read(path)
    if there == content:
        return "same"
    return "update" if _digest(there) == ours else "changed"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotWritable(f"{path} cannot be read: {error.strerror or error}.") from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise NotWritable(f"{path} cannot be written: {error.strerror or error}.") from error
