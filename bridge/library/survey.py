"""The look at a library before its first song: what is done, what has failed, and the list of what is to do."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from bridge.errors import BadArguments
from bridge.library.done import DoneSongs
from bridge.library.failures import Failures
from bridge.library.song import FailedSong, Song
from bridge.pipeline.folders.output_folder import translate_folder_errors
from bridge.plain import is_text
from bridge.value import Value

#: Songs of each ending whose length is asked for before the first one is done.
SAMPLES = 8
#: A list of fewer bytes stays in memory.
_MEMORY_BYTES = 1 << 20


class Counts(Value, frozen=True, kw_only=True):
    """What a survey has found so far."""

    found: int = 0
    done: int = 0
    """Songs whose results are there."""
    failed: int = 0
    """Songs that have failed before and are left out."""
    unreadable: int = 0
    """Files and folders that cannot be read, or whose names are no text."""

    @property
    def to_do(self) -> int:
        return self.found - self.done - self.failed - self.unreadable


class Plan:
    """The songs that are to be done, in a file without a name, in order."""

    def __init__(self, folder: Path) -> None:
        """`folder`: on whose drive the file lies once it is large."""
        self._folder = folder
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115
        self.counts = Counts()
        self.bytes_of: Counter[str] = Counter()
        """The bytes that are to be done, by the ending of the files."""
        self.samples: dict[str, list[Song]] = {}
        """By ending, some songs at random."""
        self._random = random.Random(0)  # noqa: S311 - which songs stand for the others
        self._seen: Counter[str] = Counter()

    def add(self, song: Song) -> None:
        """Raises NotWritable, OutOfSpace: the list cannot be written."""
        with translate_folder_errors(self._folder):
            self._file.write(msgspec.json.encode(song) + b"\n")
        self.bytes_of[song.ending] += song.size_bytes
        self._seen[song.ending] += 1
        samples = self.samples.setdefault(song.ending, [])
        if len(samples) < SAMPLES:
            samples.append(song)
        elif (place := self._random.randrange(self._seen[song.ending])) < SAMPLES:
            samples[place] = song

    def songs(self) -> Iterator[Song]:
        """The songs from the first one on; to be called once, when all are added."""
        self._file.seek(0)
        decode = msgspec.json.Decoder(Song).decode
        while line := self._file.readline():
            yield decode(line)

    def close(self) -> None:
        self._file.close()


def survey(
    songs: Iterable[Song],
    refused: Callable[[], Iterable[FailedSong]],
    plan: Plan,
    done: DoneSongs,
    failures: Failures,
    *,
    again: bool,
    go_on: Callable[[], bool],
) -> None:
    """Sorts the songs of a library into those that are done, that have failed, and that are to do, which `plan` gets.

    It may wait for drives, and takes its time where there are many songs.

    Args:
        refused: what could not be read since the last call.
        again: whether songs that have failed are done again.
        go_on: asked after each song; False ends the survey.

    Raises:
        NotWritable, OutOfSpace: the list or the failures cannot be written.
    """
    found = finished = failed = unreadable = 0

    def note() -> int:
        problems = [*refused()]
        for problem in problems:
            if not failures.has(problem.song):
                failures.add(problem)
        return len(problems)

    for song in songs:
        problems = note()
        found, unreadable = found + 1 + problems, unreadable + problems
        if not is_text(song.source):
            error = BadArguments("Its name is not in UTF-8.", advice="Rename the file or its folder.")
            failures.add(FailedSong(song=song, code=error.code, message=str(error)))
            unreadable += 1
        elif done.has(song):
            failures.forget(song)  # another program may have done it
            finished += 1
        elif failures.has(song) and not again:
            failed += 1
        else:
            plan.add(song)
        plan.counts = Counts(found=found, done=finished, failed=failed, unreadable=unreadable)
        if not go_on():
            return
    problems = note()
    found, unreadable = found + problems, unreadable + problems
    plan.counts = Counts(found=found, done=finished, failed=failed, unreadable=unreadable)
