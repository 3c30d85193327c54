"""Notes that were sent to the player and not ended yet, so that the next player can end them if this one is killed.

The main process keeps them for the next player, and in a file for the next bridge; a clean exit removes the file.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from bridge.midi.schedule import SILENCE, Schedule, endings_of, is_ending
from bridge.stems import STEMS
from bridge.system.files import read_json, write_whole

log = logging.getLogger(__name__)

#: In the state folder of the bridge, one for each OSC port.
FILE_NAME = "unended-notes.json"


EndingsByStem: TypeAlias = Mapping[tuple[str, str], tuple[bytes, ...]]
"""By job and stem, the messages that end everything of it that may sound."""


class UnendedNotes:
    """`folder`: where the file is stored; None: no file. Methods that access the disk say so in their docstrings."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._playing: dict[tuple[str, str], tuple[bytes, ...]] = {}
        self._leftovers: dict[str, tuple[bytes, ...]] = {}
        self._stored: bytes | None = None
        """What `write` wrote last, or tried to; None: the file was removed."""

    @property
    def leftovers(self) -> dict[str, tuple[bytes, ...]]:
        """By stem, the messages that end what an earlier player may have left sounding."""
        return dict(self._leftovers)

    def load(self) -> None:
        """Reads the file that an earlier bridge left behind. Reads the disk.

        A file that cannot be parsed means that something was left sounding, but not what: then everything is silenced.
        """
        if self._path is None:
            return
        try:
            left = read_json(self._path, dict[str, tuple[bytes, ...]])
            _check(left)
        except (FileNotFoundError, PermissionError):  # if this bridge may not read it, another user wrote it
            return
        except (OSError, ValueError):
            left = dict.fromkeys(STEMS, SILENCE)
        self._leftovers = left

    def add(self, ends: EndingsByStem) -> bytes:
        """Registers what may sound from now on. Returns the new content of the file, to be written before it sounds."""
        self._playing.update(ends)
        return msgspec.json.encode(self._all())

    def is_stored(self, content: bytes) -> bool:
        """Whether the file has this content already, so that it need not be written."""
        return content == self._stored

    def write(self, content: bytes) -> None:
        """Stores the content for the next bridge. Writes to the disk; a failure is only logged."""
        self._stored = content
        if self._path is not None:
            try:
                write_whole(self._path, content)
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error.strerror)

    def ended(self, job: str, stem: str) -> None:
        """The player has ended this stem. Removes the file if nothing else may sound."""
        self._playing.pop((job, stem), None)
        self._remove_file_if_silent()

    def player_died(self) -> None:
        """The player has died: what it was playing becomes leftovers."""
        self._leftovers = self._all()
        self._playing.clear()

    def clear_leftovers(self) -> None:
        """A player has ended the leftovers. Removes the file if nothing else may sound."""
        self._leftovers = {}
        self._remove_file_if_silent()

    def close(self) -> None:
        """Everything has ended. Removes the file."""
        self._playing.clear()
        self.clear_leftovers()

    def _all(self) -> dict[str, tuple[bytes, ...]]:
        ends = dict(self._leftovers)
        for (_, stem), more in self._playing.items():
            ends[stem] = tuple((Counter(ends.get(stem, ())) | Counter(more)).elements())
        return ends

    def _remove_file_if_silent(self) -> None:
        if not self._playing and not self._leftovers:
            self._stored = None
            remove_file(self._path)


def endings_by_stem(schedules: Iterable[Schedule]) -> EndingsByStem:
    """The messages that end these schedules, at whatever point they are broken off."""
    return {(schedule.job, schedule.stem): endings_of(schedule.messages) for schedule in schedules}


def remove_file(path: Path | None) -> None:
    """Removes the file, if it exists."""
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _check(left: dict[str, tuple[bytes, ...]]) -> None:
    """Raises ValueError if `UnendedNotes` cannot have written this."""
    for stem, ends in left.items():
        if stem not in STEMS or not all(_is_end(data) for data in ends):
            raise ValueError(f"not the ending of a note: {stem}")


def _is_end(data: bytes) -> bool:
    return len(data) == 3 and max(data[1:]) < 0x80 and (data in SILENCE or is_ending(data))
