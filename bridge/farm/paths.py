"""Paths of the machine that asks, as this machine names the same folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """The mounts of a machine, the longest first."""

    def __init__(self, mounts: Sequence[Mount] = ()) -> None:
        self._mounts = sorted(mounts, key=lambda mount: len(mount.there), reverse=True)

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
        return self._renamed(path, [(mount.there, mount.here) for mount in self._mounts])

    def there(self, path: str) -> str:
        return self._renamed(path, [(mount.here, mount.there) for mount in self._mounts])

    def _renamed(self, path: str, names: Sequence[tuple[str, str]]) -> str:
        for before, after in names:
            rest = path[len(before) :]
            if path.startswith(before) and (not rest or rest[0] in "/\\"):
                return after + _as_in(rest, before, after)
        return path


def _maybe(name: Callable[[str], str], path: str | None) -> str | None:
    return name(path) if path else path


def _trimmed(path: str) -> str:
    return path.rstrip("/\\") or path


def _as_in(rest: str, before: str, after: str) -> str:
    """The rest of a path with the separators of the system that `after` is of; on one system, nothing changes."""
    if ("\\" in before) == ("\\" in after):
        return rest
    return rest.replace("/", "\\") if "\\" in after else rest.replace("\\", "/")
