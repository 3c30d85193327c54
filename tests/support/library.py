"""A library of songs without sound, and a run over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bridge.library.forecast import Progress
from bridge.library.place import LibraryPlace
from bridge.library.session import Library, LibraryEnd
from bridge.library.song import FailedSong, Song
from bridge.library.survey import Counts
from bridge.protocols.computing import JobComputer
from bridge.protocols.looking import FileLook
from bridge.request import EngineChoice, JobRequest
from tests.support.fakes import FakeClock
from tests.support.simulated_computer import SimulatedComputer

SETTINGS = JobRequest(source="", engine=EngineChoice(name="draft"))


def make_songs(folder: Path, count: int, *, in_folder: int = 12) -> list[Path]:
    """So many songs of a byte or none, in folders of albums."""
    songs = []
    for number in range(count):
        album = folder / f"artist {number // (10 * in_folder)}" / f"album {number // in_folder}"
        if number % in_folder == 0:
            album.mkdir(parents=True)
        song = album / f"song {number}.{('wav', 'mp3', 'flac')[number % 3]}"
        song.write_bytes(bytes(number % 2))
        songs.append(song)
    return songs


class RecordingReport:
    """Records what it is told."""

    def __init__(self, interrupted: asyncio.Event | None = None, after: int = 0) -> None:
        """Sets `interrupted` when so many songs are over."""
        self.counts: list[Counts] = []
        self.done: list[str] = []
        self.failed: list[FailedSong] = []
        self.progresses: list[Progress] = []
        self.problems: list[str] = []
        self._interrupted = interrupted
        self._after = after

    def surveying(self, counts: Counts) -> None: ...

    def surveyed(self, counts: Counts) -> None:
        self.counts.append(counts)

    def song_done(self, song: Song, folder: str, seconds: float) -> None:
        assert folder.startswith(song.folder)
        assert seconds >= 0
        self.done.append(song.source)
        self._count()

    def song_failed(self, failed: FailedSong) -> None:
        self.failed.append(failed)
        self._count()

    def waiting(self, problem: str) -> None:
        self.problems.append(problem)

    def progress(self, progress: Progress) -> None:
        self.progresses.append(progress)

    def _count(self) -> None:
        if self._interrupted is not None and len(self.done) + len(self.failed) >= self._after:
            self._interrupted.set()


async def run_library(
    written: Sequence[str | Path],
    out: Path,
    computer: JobComputer | None = None,
    report: RecordingReport | None = None,
    *,
    opening: Callable[[], Awaitable[object]] | None = None,
    interrupted: asyncio.Event | None = None,
    again: bool = False,
    settings: JobRequest = SETTINGS,
    roots: Sequence[Path] = (),
) -> LibraryEnd:
    """Does a library with a simulated computer, or another one; `opening` is awaited before it is there."""

    async def opened(_: LibraryPlace) -> JobComputer:
        if opening is not None:
            await opening()
        return computer or SimulatedComputer()

    async def look(paths: Sequence[str]) -> list[FileLook]:
        return [FileLook(path=path, seconds=180.0) for path in paths]

    library = Library([*map(str, written)], out, settings, again=again, roots=roots)
    return await library.run(opened, look, report or RecordingReport(), interrupted or asyncio.Event(), FakeClock())
