"""What jobs have made and heard, kept under the hash of all that went into it, so that it costs no work again.

`results/KEY/` holds the stems of a job under names that belong to no clip (`vocals.wav`), or what a transcriber heard
in one of them, and `entry.json`. An entry appears by one rename and goes by another, so several processes may share the
folder. Nothing here loads numpy: the command line lists and clears the cache too.
"""

from __future__ import annotations

import contextlib
import logging
import math
import mmap
import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

import msgspec

from bridge.model import Result, Value, Warning
from bridge.pipeline.manifest import EngineRecord
from bridge.protocols import Clock
from bridge.system.files import read_json

FOLDER = "results"
INDEX = "entry.json"
#: The one file of an entry that holds what was heard.
HEARD = "heard"
#: The one file of an entry that holds a stem as it was made, of a job that was not done with it.
MADE = "made"
#: More is not kept of a job that is cancelled, for it must be over soon: six minutes of four stems.
LARGEST_MADE_BYTES = 1 << 29
PARTIAL = ".partial"
#: What is read at once. Between two blocks a thread that loads a model may keep the interpreter for 5 ms.
BLOCK_BYTES = 1 << 23
#: The cache shrinks before it leaves less than this on its drive.
KEPT_FREE_BYTES = 2 * 1024**3
#: What is unfinished for longer belongs to a process that has died.
ABANDONED_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileHead:
    """The first `size` bytes of a file."""

    path: Path
    size: int


#: What a file of an entry is made of.
Content: TypeAlias = "Path | FileHead | bytes"


class Entry(Value, frozen=True, kw_only=True):
    """The stems of one job, without a trace of where they went.

    Or one of its stems as it was made, or what was heard in it: these have no results.
    """

    key: str
    name: str
    """What the job was called, for the person who lists the cache."""
    engine: EngineRecord
    warnings: tuple[Warning, ...] = ()
    results: tuple[Result, ...] = ()
    """Their paths are the names of the files in the entry's folder."""
    sizes: dict[str, int] = msgspec.field(default_factory=dict)
    """Bytes of each file, by its name."""
    checks: dict[str, int] = msgspec.field(default_factory=dict)
    """CRC-32 of each file, by its name: what a crash or a failing drive leaves may be as long as what was written."""

    @property
    def total_bytes(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True)
class StoredEntry:
    """An entry and when it was last of use."""

    entry: Entry
    folder: Path
    used_unix: float


@dataclass(frozen=True)
class OpenEntry:
    """An entry whose files are all open: they can be read to their end even if somebody removes the entry."""

    entry: Entry
    files: Mapping[str, IO[bytes]]


class ResultsCache:
    """The entries below `folder`/results, together no larger than `max_bytes`; the least recently used go first."""

    def __init__(self, folder: Path, max_bytes: int, clock: Clock) -> None:
        self.folder = folder / FOLDER
        self._max_bytes = max_bytes
        self._clock = clock

    @contextmanager
    def opened(self, key: str) -> Iterator[OpenEntry | None]:
        """The entry of that key, until the block ends; None where there is none. A damaged one is removed."""
        folder = self.folder / key
        with ExitStack() as files:
            try:
                entry = _read(folder)
                opened = {name: files.enter_context((folder / name).open("rb")) for name in entry.sizes}
                for name, file in opened.items():
                    if os.fstat(file.fileno()).st_size != entry.sizes[name] or check_of(file) != entry.checks.get(name):
                        raise ValueError(f"{name} is not what was written")
                self._touch(folder)
            except (OSError, ValueError) as error:
                files.close()
                if folder.exists():
                    log.warning("a damaged entry of the cache is removed: %s", error)
                    _remove(folder)
                yield None
                return
            yield OpenEntry(entry, opened)

    def heard(self, key: str) -> bytes | None:
        """What `keep_heard` was given under that key."""
        with self.opened(key) as cached:
            return cached.files[HEARD].read() if cached is not None and HEARD in cached.files else None

    def keep_heard(self, name: str, engine: EngineRecord, heard: Mapping[str, bytes]) -> None:
        """Keeps what was heard in a clip called `name`, by its keys, as `store` keeps files."""
        self._store([(Entry(key=key, name=name, engine=engine), {HEARD: content}) for key, content in heard.items()])

    def keep_made(self, name: str, engine: EngineRecord, made: Mapping[str, Path]) -> None:
        """Keeps the stems of a job that ends before it is done with them, by their keys, as `store` keeps files."""
        self._store(
            [(Entry(key=key, name=name, engine=engine), {MADE: path}) for key, path in made.items()],
            largest_bytes=LARGEST_MADE_BYTES,
        )

    @contextmanager
    def made(self, keys: Sequence[str]) -> Iterator[list[IO[bytes]] | None]:
        """What `keep_made` was given under these keys, until the block ends; None where any of it is missing."""
        with ExitStack() as entries:
            found = [entries.enter_context(self.opened(key)) for key in keys]
            files = [entry.files[MADE] for entry in found if entry is not None and MADE in entry.files]
            yield files if len(files) == len(keys) else None

    def forget(self, keys: Iterable[str]) -> None:
        """Removes the entries of these keys, where there are any."""
        for key in keys:
            if (self.folder / key).exists():
                _remove(self.folder / key)

    def store(self, entry: Entry, files: Mapping[str, Content]) -> None:
        """Keeps copies of `files` (by their names in the entry) as `entry`, whose sizes and checks are filled in here.

        A full or broken drive costs the entry, nothing else.
        """
        self._store([(entry, files)])

    def kept(self) -> list[StoredEntry]:
        """All entries that can be read, the last used first."""
        found = []
        for folder in self._folders():
            with contextlib.suppress(OSError, ValueError):
                found.append(StoredEntry(_read(folder), folder, (folder / INDEX).stat().st_mtime))
        return sorted(found, key=lambda kept: kept.used_unix, reverse=True)

    def clear(self) -> int:
        """Removes everything; returns how many entries that were."""
        folders = [*self._folders()]
        for folder in [*folders, *self._partials()]:
            _remove(folder)
        return sum(not folder.exists() for folder in folders)

    def _store(self, new: Sequence[tuple[Entry, Mapping[str, Content]]], largest_bytes: float = math.inf) -> None:
        """Makes room for all of `new` at once: to look through a full cache takes a third of a second.

        Nothing of it is kept where all together are larger than `largest_bytes`.
        """
        try:
            entries = [
                (msgspec.structs.replace(entry, sizes={name: _size(content) for name, content in files.items()}), files)
                for entry, files in new
            ]
            self.folder.mkdir(parents=True, exist_ok=True)
            if sum(entry.total_bytes for entry, _ in entries) > largest_bytes:
                return
            if self._make_room([entry for entry, _ in entries]):
                for entry, files in entries:
                    self._write(entry, files)
        except OSError as error:
            log.warning("a result was not kept for another time: %s", error)

    def _write(self, entry: Entry, files: Mapping[str, Content]) -> None:
        unfinished = self.folder / f".{entry.key}.{secrets.token_hex(4)}{PARTIAL}"
        try:
            unfinished.mkdir()
            for name, content in files.items():
                _copy(content, unfinished / name)
                if (unfinished / name).stat().st_size != entry.sizes[name]:
                    raise OSError(f"{name} changed while it was copied")
            checks = {}
            for name in files:
                with (unfinished / name).open("rb") as file:
                    checks[name] = check_of(file)
            (unfinished / INDEX).write_bytes(msgspec.json.encode(msgspec.structs.replace(entry, checks=checks)))
            self._touch(unfinished)
            _remove(self.folder / entry.key)
            unfinished.rename(self.folder / entry.key)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _touch(self, folder: Path) -> None:
        now = self._clock.unix_seconds()
        os.utime(folder / INDEX, (now, now))

    def _make_room(self, new: Sequence[Entry]) -> bool:
        """Removes what is broken, then what has been of no use for longest; False where `new` is too large."""
        keys, needed = {entry.key for entry in new}, sum(entry.total_bytes for entry in new)
        if needed > self._max_bytes:
            return False
        now = self._clock.unix_seconds()
        for folder in self._partials():
            with contextlib.suppress(OSError):
                if now - folder.stat().st_mtime > ABANDONED_SECONDS:
                    _remove(folder)
        kept = [one for one in self.kept() if one.entry.key not in keys]
        for folder in {*self._folders()} - {one.folder for one in kept} - {self.folder / key for key in keys}:
            _remove(folder)
        used = sum(one.entry.total_bytes for one in kept)
        free = shutil.disk_usage(self.folder).free
        limit = min(self._max_bytes, used + free - KEPT_FREE_BYTES) - needed
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
        except OSError:  # nothing has been kept yet
            return []


def _read(folder: Path) -> Entry:
    """Raises OSError, or ValueError where it is no entry."""
    entry = read_json(folder / INDEX, Entry)
    names = {result.path for result in entry.results}
    if (
        entry.key != folder.name
        or not names <= entry.sizes.keys()
        or any(Path(name).name != name for name in entry.sizes)
    ):
        raise ValueError(f"{folder / INDEX} does not describe its folder")
    return entry


def _size(content: Content) -> int:
    match content:
        case bytes():
            return len(content)
        case FileHead():
            return content.size
        case _:
            return content.stat().st_size


def check_of(file: IO[bytes]) -> int:
    """The CRC-32 of a whole file, by one call: who reads in blocks waits for the interpreter after each of them."""
    if not os.fstat(file.fileno()).st_size:
        return 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return zlib.crc32(content)


def _copy(content: Content, path: Path) -> None:
    match content:
        case bytes():
            path.write_bytes(content)
        case FileHead():
            shutil.copyfile(content.path, path)
            os.truncate(path, content.size)
        case _:
            shutil.copyfile(content, path)


def _remove(folder: Path) -> None:
    """Takes the entry away at once, then deletes it; where a reader holds its files (Windows), it stays for now."""
    doomed = folder.with_name(f".{folder.name.strip('.')}.{secrets.token_hex(4)}{PARTIAL}")
    with contextlib.suppress(OSError):
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
