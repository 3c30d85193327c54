"""What a command line names: folders, files, and lists of either (`@list.txt`)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bridge.errors import BadArguments, BridgeError, NotFound, NotReadable
from bridge.library.song import FailedSong, Song, hash_of
from bridge.library.walk import Walk
from bridge.options.paths import absolute_path, current_folder, is_folder
from bridge.project_paths import check_roots
from bridge.system.files import open_to_read

LIST_SIGN = "@"
#: No path is longer.
_MAX_LINE_BYTES = 1 << 16


class Named(NamedTuple):
    """What is to be done, in the order in which it was named."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]
    lists: tuple[Path, ...]
    """Text files that name a file or folder in each line, absolute or from the list's folder on."""

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders that the songs lie in, as far as they are known before lists are read."""
        return (*self.folders, *{path.parent: None for path in (*self.files, *self.lists)})


def read_named(written: Sequence[str], roots: Sequence[Path]) -> Named:
    """Sorts the arguments of a command line; may wait for a drive.

    Raises:
        BadArguments: a path is none, or two folders have one name, so that their results would lie in one folder.
        NotFound, NotReadable: there is no such file or folder, or it cannot be looked at.
        OutsideRoots: it is outside `roots`.
    """
    folders: list[Path] = []
    files: list[Path] = []
    lists: list[Path] = []
    for word in written:
        is_list = word.startswith(LIST_SIGN) and len(word) > 1
        path = Path(absolute_path("FOLDER", word[1:] if is_list else word, current_folder()))
        check_roots(path, roots)
        has_songs = is_folder(path)
        kind = lists if is_list else folders if has_songs else files
        if path not in kind:
            kind.append(path)
    inner = [folder for folder in folders if any(other in folder.parents for other in folders)]
    folders = [folder for folder in folders if folder not in inner]
    _check_names(folders)
    return Named(tuple(folders), tuple(files), tuple(lists))


def check_out(named: Named, out: Path) -> None:
    """Raises BadArguments: the results would go into one of the folders with songs, of which nothing would be done.

    It may wait for a drive.
    """
    for folder in named.folders:
        with suppress(OSError):  # there is no such folder yet
            if out.samefile(folder):
                raise BadArguments(
                    f"{folder} cannot be the folder of its own results: nothing in that is taken as a song.",
                    advice=f"Name one in it, as --out {out / 'Stems'}",
                )


def songs_of(named: Named, walk: Walk, refuse: RefuseSong) -> Iterator[Song]:
    """The songs that are named, one after another, each once; what cannot be used goes to `refuse`.

    `sab library Jazz song.wav @list.txt` puts results into `Jazz/…`, `song`, and for the files of a list below the
    list's folder into the same folders below that of the results; for others into all folders of their path.
    """
    songs = _named_songs(named, walk, refuse)
    return _once(songs) if named.lists else songs


def _once(songs: Iterable[Song]) -> Iterator[Song]:
    """Leaves out those that were named before: done at once, they would get two folders. 64 bits of each are kept."""
    seen: set[int] = set()
    for song in songs:
        key = hash_of(f"{song.folder}\0{song.source}")
        if key not in seen:
            seen.add(key)
            yield song


def _named_songs(named: Named, walk: Walk, refuse: RefuseSong) -> Iterator[Song]:
    for folder in named.folders:
        yield from walk.folder(folder, folder.name)
    for file in named.files:
        yield from _file(file, "", walk, refuse)
    for listing in named.lists:
        for path in _lines(listing, refuse):
            try:
                has_songs = is_folder(path)
            except BridgeError as error:
                refuse(str(path), error)
                continue
            if has_songs:
                yield from walk.folder(path, _place(path, listing.parent))
            else:
                yield from _file(path, _place(path.parent, listing.parent), walk, refuse)


class RefuseSong:
    """Turns what cannot be used into failed songs, which `failed` gets."""

    def __init__(self, failed: list[FailedSong]) -> None:
        self._failed = failed

    def __call__(self, path: str, error: BridgeError) -> None:
        self._failed.append(FailedSong(song=Song(source=path, folder=""), code=error.code, message=str(error)))

    def unreadable(self, path: str, reason: str) -> None:
        """As `walk.Unreadable`."""
        self(path, NotReadable(f"{path} cannot be read: {reason}."))

    def take(self) -> list[FailedSong]:
        """What has been refused since the last call."""
        taken = [*self._failed]
        self._failed.clear()
        return taken


def _file(path: Path, into: str, walk: Walk, refuse: RefuseSong) -> Iterable[Song]:
    try:
        return (walk.file(path, into),)
    except FileNotFoundError:
        refuse(str(path), NotFound(f"There is no file {path}."))
    except (OSError, ValueError) as error:
        refuse.unreadable(str(path), str(error))
    return ()


def _lines(listing: Path, refuse: RefuseSong) -> Iterator[Path]:
    """The paths in a list; empty lines and those that begin with `#` are none."""
    try:
        with open_to_read(listing) as file:
            first = True
            while raw := file.readline(_MAX_LINE_BYTES):
                line = os.fsdecode(raw.removeprefix(b"\xef\xbb\xbf") if first else raw).strip("\r\n")
                first = False
                if not line.strip() or line.startswith("#"):
                    continue
                try:
                    yield Path(absolute_path("a line of the list", line, listing.parent))
                except BadArguments as error:
                    refuse(line, error)
    except OSError as error:
        refuse.unreadable(str(listing), error.strerror or str(error))


def _place(folder: Path, base: Path) -> str:
    """The folders that results of a folder's songs lie in."""
    if folder == base or base in folder.parents:
        return str(folder.relative_to(base))
    return os.path.join("", *(part.strip("/\\:") for part in folder.parts))  # noqa: PTH118


def _check_names(folders: Sequence[Path]) -> None:
    names: dict[str, Path] = {}
    for folder in folders:
        other = names.setdefault(folder.name.casefold(), folder)
        if other != folder:
            raise BadArguments(
                f"{other} and {folder} have one name, so their results would lie in one folder.",
                advice="Do them one after the other, each with an --out of its own.",
            )
