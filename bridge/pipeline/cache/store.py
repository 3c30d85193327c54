"""The results cache: stems and analyses of earlier jobs, stored under the hash of everything they depend on.

`results/KEY/` holds `entry.json` and the stems of a job under neutral names (`vocals.wav`), or one raw stem, or one
analysis. An entry is added by one rename and removed by another, so several processes may share the folder. This module
does not load numpy, because the command line lists and clears the cache too.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import msgspec

from bridge.model import Result, Warning
from bridge.options.record import from_json, to_json
from bridge.pipeline.manifest import EngineRecord
from bridge.protocols import Clock
from bridge.system.files import crc32_of, file_size, read_small
from bridge.system.private_folders import private_folder
from bridge.value import Value

FOLDER = "results"
INDEX = "entry.json"
#: The name of the file in an entry that holds an analysis.
ANALYSIS_FILE = "heard"
#: The name of the file in an entry that holds a raw stem of an unfinished job.
RAW_STEM_FILE = "made"
#: Largest total size stored for a cancelled job, which must end soon: about six minutes of four stems.
MAX_RAW_STEM_BYTES = 1 << 29
PARTIAL = ".partial"
#: What a key consists of.
KEY = re.compile("[0-9A-Za-z]+", re.ASCII)
#: Bytes per read. Large, because a thread that loads a model may hold the interpreter for 5 ms between two reads.
BLOCK_BYTES = 1 << 23
#: The cache shrinks rather than leave less free space than this on its drive.
MIN_FREE_BYTES = 2 * 1024**3
#: A partial entry older than this belongs to a process that has died.
ABANDONED_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileRange:
    """`size` bytes of an open file, from the byte `start` on."""

    file: BinaryIO
    size: int
    start: int = 0


#: Where the content of a file in an entry comes from.
Content: TypeAlias = "FileRange | bytes"


class Entry(Value, frozen=True, kw_only=True):
    """The stems of one job, independent of its output folder; or one raw stem, or one analysis, without results."""

    key: str
    name: str
    """The job's name, shown where the cache is listed."""
    engine: EngineRecord
    warnings: tuple[Warning, ...] = ()
    results: tuple[Result, ...] = ()
    """Without a folder; each file is one of the entry's."""
    peaks: dict[str, bytes] = msgspec.field(default_factory=dict)
    """The waveform of each stem, as in the manifest."""
    sizes: dict[str, int] = msgspec.field(default_factory=dict)
    """Bytes of each file, by file name."""
    checks: dict[str, int] = msgspec.field(default_factory=dict)
    """CRC-32 of each file, by file name: after a crash or a drive failure, a damaged file may have the right size."""

    @property
    def total_bytes(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True)
class StoredEntry:
    """An entry and when it was last used."""

    entry: Entry
    folder: Path
    used_unix: float


@dataclass(frozen=True)
class OpenEntry:
    """An entry with all its files open, so that they can be read even if the entry is removed meanwhile."""

    entry: Entry
    files: Mapping[str, BinaryIO]


class ResultsCache:
    """The entries in `folder`/results, at most `max_bytes` in total; the least recently used are removed first."""

    def __init__(self, folder: Path, max_bytes: int, clock: Clock) -> None:
        self.folder = folder / FOLDER
        self._max_bytes = max_bytes
        self._clock = clock

    @contextmanager
    def open_entry(self, key: str) -> Iterator[OpenEntry | None]:
        """The entry of that key, open until the block ends; None if there is none. A damaged entry is removed.

        A key that the cache could not have made has none: it may stand in a record that somebody has edited, and would
        name a folder of somebody else.
        """
        if not KEY.fullmatch(key):
            yield None
            return
        folder = self.folder / key
        with ExitStack() as files:
            try:
                entry = _read(folder)
                opened = {name: files.enter_context((folder / name).open("rb")) for name in entry.sizes}
                for name, file in opened.items():
                    if file_size(file) != entry.sizes[name] or crc32_of(file) != entry.checks.get(name):
                        raise ValueError(f"{name} has changed since it was written")
                self._touch(folder)
            except (OSError, ValueError) as error:
                files.close()
                if folder.exists():
                    log.warning("removing a damaged cache entry: %s", error)
                    _remove(folder)
                yield None
                return
            yield OpenEntry(entry, opened)

    def analysis(self, key: str) -> bytes | None:
        """The analysis stored under that key; None if there is none."""
        with self.open_entry(key) as cached:
            return cached.files[ANALYSIS_FILE].read() if cached is not None and ANALYSIS_FILE in cached.files else None

    def store_analyses(self, name: str, engine: EngineRecord, analyses: Mapping[str, bytes]) -> None:
        """Stores analyses of the clip `name`, by key; fails as quietly as `store`."""
        self._store(
            [(Entry(key=key, name=name, engine=engine), {ANALYSIS_FILE: content}) for key, content in analyses.items()]
        )

    def store_raw_stems(self, name: str, engine: EngineRecord, stems: Mapping[str, FileRange]) -> None:
        """Stores the raw stems of an unfinished job, by key, if they are not too large; fails as quietly as `store`."""
        self._store(
            [(Entry(key=key, name=name, engine=engine), {RAW_STEM_FILE: samples}) for key, samples in stems.items()],
            largest_bytes=MAX_RAW_STEM_BYTES,
        )

    @contextmanager
    def raw_stems(self, keys: Sequence[str]) -> Iterator[list[BinaryIO] | None]:
        """The raw stems stored under these keys, open until the block ends; None if any is missing."""
        with ExitStack() as entries:
            found = [entries.enter_context(self.open_entry(key)) for key in keys]
            files = [
                entry.files[RAW_STEM_FILE] for entry in found if entry is not None and RAW_STEM_FILE in entry.files
            ]
            yield files if len(files) == len(keys) else None

    def remove(self, keys: Iterable[str]) -> None:
        """Removes the entries of these keys, if present."""
        for key in keys:
            if (self.folder / key).exists():
                _remove(self.folder / key)

    def store(self, entry: Entry, files: Mapping[str, Content]) -> None:
        """Stores copies of `files` (by file name) as `entry`, whose sizes and checks are filled in here.

        If the drive is full or broken, a warning is logged and the entry is not stored.
        """
        self._store([(entry, files)])

    def entries(self) -> list[StoredEntry]:
        """All readable entries, most recently used first."""
        found = []
        for folder in self._folders():
            with contextlib.suppress(OSError, ValueError):
                found.append(StoredEntry(_read(folder), folder, (folder / INDEX).stat().st_mtime))
        return sorted(found, key=lambda stored: stored.used_unix, reverse=True)

    def clear(self) -> int:
        """Removes everything; returns the number of entries removed."""
        folders = [*self._folders()]
        for folder in [*folders, *self._partials()]:
            _remove(folder)
        return sum(not folder.exists() for folder in folders)

    def _store(self, new: Sequence[tuple[Entry, Mapping[str, Content]]], largest_bytes: float = math.inf) -> None:
        """Stores all of `new`, making room only once, because scanning a full cache takes a third of a second.

        Nothing is stored if the total is larger than `largest_bytes`.
        """
        try:
            entries = [
                (msgspec.structs.replace(entry, sizes={name: _size(content) for name, content in files.items()}), files)
                for entry, files in new
            ]
            private_folder(self.folder)
            if sum(entry.total_bytes for entry, _ in entries) > largest_bytes:
                return
            if self._make_room([entry for entry, _ in entries]):
                for entry, files in entries:
                    self._write(entry, files)
        except OSError as error:
            log.warning("a result was not cached: %s", error)

    def _write(self, entry: Entry, files: Mapping[str, Content]) -> None:
        partial = self.folder / f".{entry.key}.{secrets.token_hex(4)}{PARTIAL}"
        try:
            partial.mkdir()
            for name, content in files.items():
                _copy(content, partial / name)
                if (partial / name).stat().st_size != entry.sizes[name]:
                    raise OSError(f"{name} changed while it was copied")
            checks = {}
            for name in files:
                with (partial / name).open("rb") as file:
                    checks[name] = crc32_of(file)
            (partial / INDEX).write_bytes(to_json(msgspec.structs.replace(entry, checks=checks)))
            self._touch(partial)
            _remove(self.folder / entry.key)
            partial.rename(self.folder / entry.key)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _touch(self, folder: Path) -> None:
        now = self._clock.unix_seconds()
        os.utime(folder / INDEX, (now, now))

    def _make_room(self, new: Sequence[Entry]) -> bool:
        """Removes broken entries, then the least recently used; returns False if `new` is too large."""
        keys, needed = {entry.key for entry in new}, sum(entry.total_bytes for entry in new)
        if needed > self._max_bytes:
            return False
        now = self._clock.unix_seconds()
        for folder in self._partials():
            with contextlib.suppress(OSError):
                if now - folder.stat().st_mtime > ABANDONED_SECONDS:
                    _remove(folder)
        kept = [stored for stored in self.entries() if stored.entry.key not in keys]
        for folder in {*self._folders()} - {stored.folder for stored in kept} - {self.folder / key for key in keys}:
            _remove(folder)
        used = sum(stored.entry.total_bytes for stored in kept)
        free = shutil.disk_usage(self.folder).free
        limit = min(self._max_bytes, used + free - MIN_FREE_BYTES) - needed
        while used > max(0, limit) and kept:
            oldest = kept.pop()
            _remove(oldest.folder)
            used -= oldest.entry.total_bytes
        return limit >= 0

    def _folders(self) -> Iterable[Path]:
        return (folder for folder in self._listed() if not folder.name.endswith(PARTIAL))

    def _partials(self) -> Iterable[Path]:
        return (folder for folder in self._listed() if folder.name.endswith(PARTIAL))

    def _listed(self) -> list[Path]:
        try:
            return [folder for folder in self.folder.iterdir() if folder.is_dir()]
        except OSError:  # nothing has been stored yet
            return []


def _read(folder: Path) -> Entry:
    """Raises OSError or ValueError if the folder is not a valid entry."""
    entry = from_json(read_small(folder / INDEX), Entry)
    names = {result.file for result in entry.results}
    if (
        entry.key != folder.name
        or not names <= entry.sizes.keys()
        or any(Path(name).name != name for name in entry.sizes)
    ):
        raise ValueError(f"{folder / INDEX} does not describe its folder")
    return entry


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.size


def _copy(content: Content, path: Path) -> None:
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    with path.open("xb") as copy:
        content.file.seek(content.start)
        left = content.size
        while left > 0 and (block := content.file.read(min(left, BLOCK_BYTES))):
            copy.write(block)
            left -= len(block)


def _remove(folder: Path) -> None:
    """Renames the entry, then deletes it; on Windows it stays while a reader holds its files open."""
    removed = folder.with_name(f".{folder.name.strip('.')}.{secrets.token_hex(4)}{PARTIAL}")
    with contextlib.suppress(OSError):
        folder.rename(removed)
        shutil.rmtree(removed, ignore_errors=True)
