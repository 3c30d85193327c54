"""Installs files into a DAW's folders and removes them, without losing a user's changes.

A record stores the hash of each file as installed. A file that still has this hash may be replaced by a newer version;
one with another hash was changed by the user, and is replaced or removed only after asking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from bridge.errors import NotWritable
from bridge.system.files import read_json, write_whole

#: `changed`: the file differs from what was installed.
Step = Literal["new", "same", "update", "changed"]


class InstalledFile(msgspec.Struct, frozen=True):
    """One file, and what installing it would do."""

    path: Path
    content: bytes
    step: Step


class InstallRecord:
    """The installed files and their hashes: `{path: sha256}`, in one JSON file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def hashes(self) -> dict[Path, str]:
        """Empty if nothing was installed or the record is unreadable; every file then counts as the user's."""
        try:
            found = read_json(self._path, dict[str, str])
        except (OSError, ValueError):
            return {}
        return {Path(path): digest for path, digest in found.items()}

    def save(self, hashes: Mapping[Path, str]) -> None:
        """Raises NotWritable."""
        text = msgspec.json.format(msgspec.json.encode({str(path): digest for path, digest in hashes.items()}))
        _write(self._path, text)


def plan(wanted: Mapping[Path, bytes], record: InstallRecord) -> list[InstalledFile]:
    """What installing these files would do to each of them; nothing is written.

    Raises:
        NotWritable: an existing file cannot be read.
    """
    recorded_hash = record.hashes()
    return [
        InstalledFile(path, content, _step(path, content, recorded_hash.get(path))) for path, content in wanted.items()
    ]


def install(files: Iterable[InstalledFile], record: InstallRecord) -> None:
    """Writes the files, each completely or not at all, and records them.

    Raises:
        NotWritable: a folder cannot be written to; the files before it are installed and recorded.
    """
    hashes = record.hashes()
    for file in files:
        if file.step != "same":
            _write(file.path, file.content)
        hashes[file.path] = _digest(file.content)
        record.save(hashes)


def installed(folders: Iterable[Path], record: InstallRecord) -> list[InstalledFile]:
    """The installed files that still exist in these folders: `same`, or `changed` by the user."""
    roots = tuple(folders)
    found = []
    for path, digest in record.hashes().items():
        if path.is_file() and any(path.is_relative_to(root) for root in roots):
            content = _read(path)
            found.append(InstalledFile(path, content, "same" if _digest(content) == digest else "changed"))
    return found


def remove(files: Iterable[InstalledFile], record: InstallRecord) -> None:
    """Removes the files and their records; the folders stay.

    Raises:
        NotWritable: a file cannot be removed.
    """
    hashes = record.hashes()
    for file in files:
        try:
            file.path.unlink(missing_ok=True)
        except OSError as error:
            raise NotWritable(f"{file.path} cannot be removed: {error.strerror or error}.") from error
        hashes.pop(file.path, None)
        record.save(hashes)


def _step(path: Path, content: bytes, recorded_hash: str | None) -> Step:
    if not path.exists():
        return "new"
    existing = _read(path)
    if existing == content:
        return "same"
    return "update" if _digest(existing) == recorded_hash else "changed"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotWritable(f"{path} cannot be read: {error.strerror or error}.") from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content, private=False)
    except OSError as error:
        raise NotWritable(f"{path} cannot be written: {error.strerror or error}.") from error
