"""Paths of the machine that asks, as this machine names the same folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from bridge.errors import BadArguments
from bridge.events import JobEvent, LiveNotes, Produced, Started
from bridge.request import JobRequest


class Mount(NamedTuple):
    """One folder under two names."""

    there: str
    """As the machines that ask name it, without a separator at the end."""
    here: str


def mount_of(written: str) -> Mount:
    r"""What `/srv/music=Z:\\music` says: the name there, then the name here.

    Raises:
        BadArguments: it is no such pair of absolute paths.
    """
    there, _, here = written.partition("=")
    if not there.strip() or not here.strip() or not Path(here).is_absolute():
        raise BadArguments(
            f"{written} does not say which folder is meant.", advice="Write it as --map /srv/music=/Volumes/music"
        )
    return Mount(_trimmed(there.strip()), _trimmed(here.strip()))


class PathMap:
    """The mounts of a machine; of several that fit, the longest counts."""

    def __init__(self, mounts: Sequence[Mount] = ()) -> None:
        names = [(_bare(mount.there), _bare(mount.here)) for mount in mounts]
        self._to_here = _longest_first(names)
        self._to_there = _longest_first((here, there) for there, here in names)

    def request_here(self, request: JobRequest) -> JobRequest:
        """A request with this machine's paths."""
        place, files = request.place, request.note_files
        return replace(
            request,
            source=self.here(request.source),
            place=replace(place, project=_maybe(self.here, place.project), folder=_maybe(self.here, place.folder)),
            note_files=replace(files, picture=_maybe(self.here, files.picture)),
        )

    def event_there(self, event: JobEvent | LiveNotes) -> JobEvent | LiveNotes:
        """An event with the paths of the machine that asks; of live notes, no file that grows on this one."""
        match event:
            case Started():
                folders = tuple(map(self.there, event.created))
                return replace(event, output_dir=self.there(event.output_dir), created=folders)
            case Produced(result=result):
                return replace(event, result=replace(result, folder=self.there(result.folder)))
            case LiveNotes():
                return replace(event, previews=())
        return event

    def here(self, path: str) -> str:
        return _renamed(path, self._to_here)

    def there(self, path: str) -> str:
        return _renamed(path, self._to_there)


def _maybe(name: Callable[[str], str], path: str | None) -> str | None:
    return name(path) if path else path


def _trimmed(path: str) -> str:
    return _bare(path) or path


def _bare(path: str) -> str:
    """A folder without the separator at its end; of a whole drive, nothing or its letter is left."""
    return path.rstrip("/\\")


def _longest_first(names: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return sorted(names, key=lambda name: len(name[0]), reverse=True)


def _renamed(path: str, names: Sequence[tuple[str, str]]) -> str:
    for before, after in names:
        rest = path[len(before) :]
        if path.startswith(before) and (not rest or rest[0] in "/\\"):
            is_drive = not after or after.endswith(":")
            return after + _as_in(rest or "/" * is_drive, before, after)
    return path


def _as_in(rest: str, before: str, after: str) -> str:
    """The rest of a path with the separators of the system that `after` is of; on one system, nothing changes."""
    if _is_of_windows(before) == _is_of_windows(after):
        return rest
    return rest.replace("/", "\\") if _is_of_windows(after) else rest.replace("\\", "/")


def _is_of_windows(folder: str) -> bool:
    return "\\" in folder or folder[1:2] == ":"
