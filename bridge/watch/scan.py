"""Looks a folder through for clips. Everything here may wait for the drive, so it runs off the event loop."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from bridge.audio.clip_names import natural_order
from bridge.pipeline.clips_in_folder import RECORD_ENDINGS, results_of
from bridge.system.files import modified_ns
from bridge.watch.names import is_clip_name, is_entered
from bridge.watch.values import FileState

#: Deeper folders are a mistake, or a drive that is mounted in itself.
MOST_LEVELS = 64


@dataclass
class Scan:
    """What was found in a folder, and below it."""

    clips: dict[str, FileState] = field(default_factory=dict)
    """By their paths relative to the watched folder; those of each folder in natural order."""
    unreadable: dict[str, str] = field(default_factory=dict)
    """Subfolders that cannot be read → why."""


def scan(root: Path, passed_over: Collection[Path] = (), under: str = "") -> Scan:
    """Every clip in `root` and its subfolders, but not those in `passed_over`, in folders of stems, and results.

    Links to files are followed, and links to folders are not: they may lead in circles.

    Args:
        under: only in this subfolder; it ends with a separator.

    Raises:
        OSError: `root` cannot be read.
    """
    found = Scan()
    waiting = [(under, under.count(os.sep))]
    skipped = {os.fspath(path) for path in passed_over}
    while waiting:
        folder, level = waiting.pop()
        try:
            names, folders = _listed(os.path.join(root, folder))  # noqa: PTH118 - tens of thousands
        except OSError as error:
            if not folder:
                raise
            found.unreadable[folder] = error.strerror or str(error)
            continue
        for name, state in names.items():
            found.clips[f"{folder}{name}"] = state
        if level < MOST_LEVELS:
            inner = [f"{folder}{name}{os.sep}" for name in sorted(folders, key=natural_order, reverse=True)]
            waiting += [(path, level + 1) for path in inner if os.path.join(root, path.rstrip(os.sep)) not in skipped]  # noqa: PTH118
    return found


def follow(root: Path, paths: Iterable[str], passed_over: Collection[Path] = ()) -> Scan | None:
    """The clips among these paths, which something has happened to, and in those that are folders.

    What lies in a linked folder is passed over, as `scan` does, though the system may tell of it.

    Args:
        paths: absolute; of those that are gone nothing is said.

    Returns None where a path is none below `root`: the whole is to be looked through.
    """
    found, linked = Scan(), dict[Path, bool]()
    skipped = tuple(os.path.join(path, "") for path in passed_over)  # noqa: PTH118 - ends with a separator
    for path in sorted(paths, key=natural_order):  # an album that lands at once is done in its order
        try:
            inner = Path(path).relative_to(root)
        except ValueError:
            return None
        if not all(map(is_entered, inner.parts[:-1])) or os.path.join(path, "").startswith(skipped):  # noqa: PTH118
            continue
        if _is_linked(root, inner.parent, linked):
            continue
        if is_clip_name(inner.name):
            state = state_of_file(root / inner)
            if state is not None:
                found.clips[os.fspath(inner)] = state
        elif inner.parts and is_entered(inner.name) and os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114
            found.clips.update(scan(root, passed_over, f"{inner}{os.sep}").clips)
    return found


def _is_linked(root: Path, inner: Path, known: dict[Path, bool]) -> bool:
    """Whether a folder below `root` is a link, or lies in one; `known` remembers that of the folders on the way."""
    if inner not in known:
        is_below = inner != Path()
        known[inner] = is_below and (_is_linked(root, inner.parent, known) or (root / inner).is_symlink())
    return known[inner]


def look_again(root: Path, paths: Iterable[str]) -> dict[str, FileState | None]:
    """The files with these paths relative to `root`; None: it is gone, or it is a result of the bridge."""
    found: dict[str, FileState | None] = {}
    results: dict[Path, frozenset[str]] = {}
    for path in paths:
        file = root / path
        if file.parent not in results:
            results[file.parent] = _results_listed_in(file.parent)
        found[path] = None if file.name in results[file.parent] else state_of_file(file)
    return found


def _results_listed_in(folder: Path) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            records = [entry for entry in entries if _is_record(entry.name)]
    except OSError:
        return frozenset()
    return frozenset(name for record in records for name in _results_named_in(record))


def state_of_file(path: Path) -> FileState | None:
    """The state of a file; None if there is none, or it is empty, or nothing that can be looked at."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return _file_state(found)


def unchanged_seconds(path: Path, now_unix: float) -> float:
    """For how long a file has neither been written nor put there, as far as its drive tells; 0: not known."""
    try:
        found = path.stat()
    except OSError:
        return 0.0
    return max(0.0, now_unix - max(found.st_mtime, found.st_ctime))


def _listed(folder: str) -> tuple[dict[str, FileState], list[str]]:
    """The clips and the subfolders of one folder. Raises OSError."""
    files: dict[str, os.DirEntry[str]] = {}
    folders, records = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if is_entered(entry.name):
                    folders.append(entry.name)
            elif is_clip_name(entry.name):
                files[entry.name] = entry
            elif _is_record(entry.name):
                records.append(entry)
    for record in records:
        for name in _results_named_in(record):
            files.pop(name, None)
    clips = {name: _state(files[name]) for name in sorted(files, key=natural_order)}
    return {name: state for name, state in clips.items() if state is not None}, folders


def _file_state(found: os.stat_result) -> FileState | None:
    """None also for an empty file: it only holds the place of one that comes."""
    return FileState(found.st_size, modified_ns(found)) if stat.S_ISREG(found.st_mode) and found.st_size else None


def _is_record(name: str) -> bool:
    return name.endswith(RECORD_ENDINGS)


def _state(entry: os.DirEntry[str]) -> FileState | None:
    try:
        return _file_state(entry.stat())
    except OSError:  # it has just gone, or it is a link to nothing
        return None


def _results_named_in(record: os.DirEntry[str]) -> Iterator[str]:
    try:
        yield from _results_in(record.path, record.stat().st_mtime_ns)
    except (OSError, ValueError):  # no record, or a broken one
        return


@lru_cache(maxsize=4096)
def _results_in(path: str, modified_ns: int) -> frozenset[str]:  # noqa: ARG001 - it tells the contents
    return results_of(Path(path))
