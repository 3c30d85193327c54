"""Whether a song is done: its manifest says so, and all the files that it lists are there."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

import msgspec

from bridge.library.song import Song
from bridge.options.record import from_record, to_record
from bridge.options.table import OPTIONS
from bridge.pipeline.folders import claim
from bridge.pipeline.manifest import manifest_name
from bridge.pipeline.unfinished import record_name
from bridge.project_paths import numbered, result_name
from bridge.request import JobRequest
from bridge.system.files import MAX_SMALL_FILE_BYTES, parsed, sha256_of

#: What a record says of a request that affects no result: its song, its place, how it plays.
_NO_SETTING = ("source.", "place.", "play.", "group.")


class _Source(msgspec.Struct, gc=False):
    path: str
    sha256: str
    size_bytes: int = 0
    modified_ns: int = 0


class _Result(msgspec.Struct, gc=False):
    path: str


class _Brief(msgspec.Struct, gc=False):
    """What has to be known of a manifest; the rest of it, which is long, is not read."""

    source: _Source
    request: dict[str, object]
    results: list[_Result]
    sizes: dict[str, int] = {}


_decode = msgspec.json.Decoder(_Brief).decode


class DoneSongs:
    """Looks for the results of songs that were done with the same settings."""

    def __init__(self, request: JobRequest) -> None:
        """`request`: the settings, of any song."""
        self._wanted = _settings(request)

    @property
    def settings(self) -> str:
        """A short text that is another one for other settings."""
        text = msgspec.json.encode(self._wanted, order="sorted")
        return hashlib.blake2b(text, digest_size=4).hexdigest()

    def has(self, song: Song) -> bool:
        """Whether the song's results are there, whole; reads the song itself only where its time of change is another.

        It may wait for a drive. What cannot be read is not done.
        """
        name = result_name(Path(song.source), None)
        found = self._is_in(song.folder, name, song)
        if found is False:  # an earlier version of the song may lie there, or another song of that name
            others = (self._is_in(str(folder), name, song) for folder in islice(numbered(Path(song.folder)), 1, None))
            found = next((other for other in others if other is not False), None)
        return bool(found)

    def _is_in(self, folder: str, name: str, song: Song) -> bool | None:
        """Whether the folder holds the results; None: there is no such folder, nor a later one."""
        manifest = manifest_name(name)
        try:
            with os.scandir(folder) as entries:
                there = {entry.name: entry for entry in entries}
            # With these, the job was killed, perhaps just before its end: it runs again, and finds its files.
            if manifest not in there or record_name(name) in there or claim.claim_file_name(name) in there:
                return False
            brief = parsed(_content(there[manifest].path), _decode)
            return (
                self._is_wanted(brief.request)
                and all(_has_size(there.get(result.path), brief.sizes.get(result.path)) for result in brief.results)
                and _is_of(brief.source, song)
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, ValueError):
            return False

    def _is_wanted(self, record: Mapping[str, object]) -> bool:
        if self._wanted.items() <= record.items():
            return True
        if self._wanted.keys() <= record.keys():
            return False
        return _settings(from_record(record)) == self._wanted  # of an earlier version, which had fewer options


def _settings(request: JobRequest) -> dict[str, object]:
    """What affects the results, as a manifest's JSON has it."""
    record = msgspec.json.decode(msgspec.json.encode(to_record(request)))
    for option in OPTIONS.values():
        if option.field.startswith(_NO_SETTING):
            del record[option.record]
    del record["source"]
    return dict(record)


def _content(path: str) -> bytes:
    """A manifest's content, read in one go: there may be 100 000.

    Raises:
        OSError: it cannot be read, or it is no file.
        ValueError: it is far too long.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(f"{path} is no file")
        if state.st_size > MAX_SMALL_FILE_BYTES:
            raise ValueError(f"it is larger than {MAX_SMALL_FILE_BYTES} bytes")
        return os.read(descriptor, state.st_size)
    finally:
        os.close(descriptor)


def _has_size(entry: os.DirEntry[str] | None, size: int | None) -> bool:
    """Whether a file is there, with the size that the manifest says; earlier versions do not say it."""
    if entry is None or not entry.is_file(follow_symlinks=False):
        return False
    return size is None or entry.stat(follow_symlinks=False).st_size == size


def _is_of(record: _Source, song: Song) -> bool:
    """Whether the results are of the song as it is now; a copy with another name or time is read to compare it."""
    if record.size_bytes and record.size_bytes != song.size_bytes:
        return False
    if record.path == song.source and record.modified_ns == song.modified_ns:
        return True
    return bool(record.sha256) and sha256_of(Path(song.source)) == record.sha256
