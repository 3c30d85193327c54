"""`failed.csv`: the songs that failed, for people, and for the next run, which leaves them out unless it is told."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from bridge.errors import NotWritable
from bridge.library.song import FailedSong, Song
from bridge.pipeline.folders.output_folder import translate_folder_errors
from bridge.plain import plain

NAME = "failed.csv"
COLUMNS = ("path", "code", "message", "bytes", "modified_ns", "settings")
#: The Byte Order Mark, by which spreadsheets know UTF-8.
_ENCODING = "utf-8-sig"
#: As `csv` ends a row; a path may have a line end of another kind in it.
_ROW_END = b"\r\n"
#: In bytes; a path and a sentence are far shorter.
_LONGEST_ROW = 1 << 16


class Failures:
    """The failures of a library. In memory are three numbers for each; the rest is in the file, at once.

    Each method may wait for the drive.
    """

    def __init__(self, out: Path, settings: str) -> None:
        """`settings`: the text by which failures with other settings are known; these are forgotten.

        Raises:
            NotWritable: a file of that name is there which cannot be read, or cut.
        """
        self._path = out / NAME
        self._settings = settings
        self._rows: dict[int, int] = {}
        """By the song's key: the place of its latest row."""
        self._states: dict[int, int] = {}
        """By the song's key: its state when it failed."""
        self._count = 0
        self._file: TextIO | None = None
        try:
            _cut_half_a_row(self._path)
            for row in self._read():
                if len(row) == len(COLUMNS) and row[-1] == settings:
                    self._note(_song(row))
                self._count += 1
        except (OSError, ValueError, csv.Error) as error:
            raise NotWritable(f"{self._path} cannot be read: {error}.", advice="Remove or rename it.") from error

    def __len__(self) -> int:
        return len(self._rows)

    def has(self, song: Song) -> bool:
        """Whether the song, as it is now, has failed with these settings."""
        return self._states.get(song.key) == song.state(self._settings)

    def add(self, failed: FailedSong) -> None:
        """Writes a failure down.

        Raises:
            NotWritable, OutOfSpace: it cannot be written.
        """
        song = failed.song
        row = (song.source, failed.code, plain(failed.message), song.size_bytes, song.modified_ns, self._settings)
        with translate_folder_errors(self._path.parent):
            if self._file is None:
                self._file = self._path.open("a", newline="", encoding="utf-8", errors="surrogateescape")
            before = self._file.tell()
            try:
                if not before:
                    self._file.write("\ufeff")
                    csv.writer(self._file).writerow(COLUMNS)
                csv.writer(self._file).writerow(row)
                self._file.flush()
            except OSError:  # half a row would spoil those after it
                self._abandon(before)
                raise
        self._note(song)
        self._count += 1

    def forget(self, song: Song) -> None:
        """The song is no failure any more."""
        self._rows.pop(song.key, None)
        self._states.pop(song.key, None)

    def close(self) -> None:
        """Leaves each failure once in the file, and no file without failures.

        Raises:
            NotWritable, OutOfSpace: it cannot be written; then all rows stay.
        """
        if self._file is not None:
            with suppress(OSError):  # each row was flushed
                self._file.close()
            self._file = None
        if len(self._rows) == self._count:
            return
        partial = self._path.with_name(f".{NAME}.partial")
        with translate_folder_errors(self._path.parent):
            if not self._rows:
                self._path.unlink(missing_ok=True)
                return
            latest = set(self._rows.values())
            with partial.open("w", newline="", encoding=_ENCODING, errors="surrogateescape") as file:
                writer = csv.writer(file)
                writer.writerow(COLUMNS)
                writer.writerows(row for place, row in enumerate(self._read()) if place in latest)
            partial.replace(self._path)

    def _note(self, song: Song) -> None:
        self._rows[song.key] = self._count
        self._states[song.key] = song.state(self._settings)

    def _abandon(self, size: int) -> None:
        """Closes the file, and cuts off what lies beyond `size`, as far as that can be done."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
            with suppress(OSError):
                os.truncate(self._path, size)

    def _read(self) -> Iterator[list[str]]:
        """The rows below the columns' names."""
        try:
            with self._path.open(newline="", encoding=_ENCODING, errors="surrogateescape") as file:
                rows = csv.reader(file)
                next(rows, None)
                yield from rows
        except FileNotFoundError:
            return


def _cut_half_a_row(path: Path) -> None:
    """Removes what a power cut has left of the last row: those after it would be read as its end. Raises OSError."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_ROW))
        tail = file.read()
        whole = tail.rfind(_ROW_END) + len(_ROW_END) if _ROW_END in tail else tail.rfind(b"\n") + 1
        if whole and not tail.endswith(b"\n"):
            os.truncate(path, size - len(tail) + whole)


def _song(row: Sequence[str]) -> Song:
    """The song of a row; of one that somebody has changed, with a size that no file has."""
    path, _, _, size, modified_ns, _ = row
    try:
        return Song(source=path, folder="", size_bytes=int(size), modified_ns=int(modified_ns))
    except ValueError:
        return Song(source=path, folder="", size_bytes=-1)
