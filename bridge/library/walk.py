"""The songs that folders hold, one after another: each folder is read and sorted when its turn comes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from bridge.audio.clip_names import AUDIO_ENDINGS, natural_order
from bridge.library.song import Song
from bridge.pipeline.clips_in_folder import RECORD_ENDINGS, results_in
from bridge.project_paths import result_name
from bridge.system.files import modified_ns

#: (folder or file, why it cannot be read)
Unreadable: TypeAlias = Callable[[str, str], None]
#: What tells a folder from every other: its drive and its number there.
Identity: TypeAlias = tuple[int, int]


class Walk:
    """Finds the songs below folders.

    Hidden files and folders, results of the bridge, and the folder of the library's results are left out. A link to a
    folder is followed once, where it leads out of what is walked anyway, and never in a circle.
    """

    def __init__(
        self,
        out: Path,
        roots: Iterable[Path],
        on_unreadable: Unreadable,
        go_on: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Args:
            out: the folder of the library's results.
            roots: the folders that are walked; links that lead into them are not followed.
            go_on: asked before each folder, of which a million may hold no song; False ends the walk.
        """
        self._out = out
        self._out_identity = _identity(out)
        self._roots = [os.path.realpath(root) for root in roots]
        self._followed: set[Identity] = set()
        self._on_unreadable = on_unreadable
        self._go_on = go_on
        self._names = FolderNames()

    def folder(self, root: Path, into: str) -> Iterator[Song]:
        """The songs below `root`, depth first, in natural order; their results lie in `into` below `out`."""
        waiting = [_Waiting(str(root), os.path.join(self._out, into), ())]  # noqa: PTH118
        while waiting and self._go_on():
            here = waiting.pop()
            found = self._read(here)
            if found is None:
                continue
            identity, folder = found
            yield from self._songs(folder, here.into)
            above = (*here.above, identity)
            waiting += [
                _Waiting(os.path.join(here.path, name), os.path.join(here.into, name), above)  # noqa: PTH118
                for name in reversed(folder.folders)
            ]

    def file(self, source: Path, into: str) -> Song:
        """One file as a song, whatever its ending; its results lie in a folder of its own in `into` below `out`.

        Raises:
            OSError: there is no such file.
        """
        state = source.stat()
        name = self._names.of(str(source.parent)).result_folder(source.name)
        return _song(str(source), os.path.join(self._out, into, name), state)  # noqa: PTH118

    def _songs(self, folder: _Folder, into: str) -> Iterator[Song]:
        for entry in folder.songs:
            try:
                state = entry.stat()
            except OSError as error:  # a link that leads nowhere, or a file that has gone
                self._on_unreadable(entry.path, _reason(error))
                continue
            yield _song(entry.path, os.path.join(into, folder.names.result_folder(entry.name)), state)  # noqa: PTH118

    def _read(self, here: _Waiting) -> tuple[Identity, _Folder] | None:
        """What a folder holds; None if it is not walked."""
        path, above = here.path, here.above
        try:
            state = os.stat(path)  # noqa: PTH116 - a string, of 100 000
            identity = state.st_dev, state.st_ino
            if identity in above or identity == self._out_identity:
                return None
            if os.path.islink(path) and above and not self._follows(path, identity):  # noqa: PTH114
                return None
            return identity, _Folder.read(path)
        except OSError as error:
            self._on_unreadable(path, _reason(error))
            return None

    def _follows(self, link: str, identity: Identity) -> bool:
        target = os.path.realpath(link)
        if identity in self._followed or any(_is_in(target, root) for root in self._roots):
            return False
        self._followed.add(identity)
        return True


class FolderNames:
    """The names of the audio files of the folders that were asked for last: a list of files names few at a time."""

    MOST = 16

    def __init__(self) -> None:
        self._known: dict[str, ResultNames] = {}

    def of(self, folder: str) -> ResultNames:
        if folder not in self._known:
            while len(self._known) >= self.MOST:
                del self._known[next(iter(self._known))]
            try:
                names = [name for name in os.listdir(folder) if _is_audio(name)]  # noqa: PTH208 - very many
            except OSError:  # then its file cannot be read either
                names = []
            self._known[folder] = ResultNames(names)
        return self._known[folder]


class ResultNames:
    """What the results of a folder's songs are called: like the song, and like its file where two songs are alike."""

    def __init__(self, names: Iterable[str]) -> None:
        self._counts = Counter(map(_alike, names))

    def result_folder(self, file: str) -> str:
        """`song.wav` → `song`; `song.wav` if there is a `song.flac` beside it."""
        name = result_name(Path(file), None)
        return name if self._counts[_alike(file)] < 2 else result_name(Path(file), file)


class _Waiting(NamedTuple):
    """A folder that is to be walked."""

    path: str
    into: str
    """The folder of its songs' results."""
    above: tuple[Identity, ...]
    """The folders that it lies in, from the root on."""


class _Folder(NamedTuple):
    """A folder's songs, and the names of the folders in it, in natural order."""

    songs: list[os.DirEntry[str]]
    folders: list[str]
    names: ResultNames

    @classmethod
    def read(cls, path: str) -> _Folder:
        """Raises OSError."""
        songs: list[os.DirEntry[str]] = []
        folders: list[str] = []
        records: list[Path] = []
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if _is_folder(entry):
                    folders.append(entry.name)
                elif entry.name.endswith(RECORD_ENDINGS):
                    records.append(Path(entry.path))
                elif _is_audio(entry.name):
                    songs.append(entry)
        made = results_in(records)
        songs = [entry for entry in songs if entry.name not in made]
        songs.sort(key=lambda entry: natural_order(entry.name))
        folders.sort(key=natural_order)
        return cls(songs, folders, ResultNames(entry.name for entry in songs))


def _song(source: str, folder: str, state: os.stat_result) -> Song:
    return Song(source=source, folder=folder, size_bytes=state.st_size, modified_ns=modified_ns(state))


def _is_audio(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in AUDIO_ENDINGS and not name.startswith(".")  # noqa: PTH122


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle; as a song it will say why it cannot be read
        return False


def _alike(file: str) -> str:
    """What the names of two songs share whose results would lie in one folder, on every system."""
    return result_name(Path(file), None).casefold()


def _is_in(path: str, root: str) -> bool:
    return path == root or path.startswith(os.path.join(root, ""))  # noqa: PTH118


def _identity(path: Path) -> Identity | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
