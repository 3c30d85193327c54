"""What the player was sent and has not ended yet, for whoever comes after one that was killed.

The main process keeps it for the next player, and in a file for the next bridge, which a clean end removes.
"""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from bridge.midi.schedule import SILENCE, Schedule, ends_something, may_leave
from bridge.model import STEMS
from bridge.system.files import read_json, write_whole

log = logging.getLogger(__name__)

#: In the folder of the bridge on one OSC port.
FILE_NAME = "unended-notes.json"


Ends: TypeAlias = Mapping[tuple[str, str], tuple[bytes, ...]]
"""By job and stem, what ends all that may sound of it."""


class UnendedNotes:
    """`folder`: where the file is kept; None: there is none. Its methods that touch the disk say so."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / FILE_NAME
        self._playing: dict[tuple[str, str], tuple[bytes, ...]] = {}
        self._left: dict[str, tuple[bytes, ...]] = {}

    @property
    def left(self) -> dict[str, tuple[bytes, ...]]:
        """By stem, the ends of what an earlier player may have left sounding."""
        return dict(self._left)

    def load(self) -> None:
        """Takes over what an earlier bridge has left. Reads the disk.

        A file that cannot be understood says that something was left, not what: all is silenced then.
        """
        if self._path is None:
            return
        try:
            left = read_json(self._path, dict[str, tuple[bytes, ...]])
            _check(left)
        except (FileNotFoundError, PermissionError):  # a bridge that may not read it has not written it
            return
        except (OSError, ValueError):
            left = dict.fromkeys(STEMS, SILENCE)
        self._left = left

    def begins(self, ends: Ends) -> bytes:
        """From now on these may sound. Returns all that may: for `write`, before any of it does."""
        self._playing.update(ends)
        return msgspec.json.encode(self._all())

    def write(self, content: bytes) -> None:
        """Keeps it for a bridge that comes after this one. Writes to the disk; where it cannot, nothing is kept."""
        if self._path is not None:
            try:
                write_whole(self._path, content)
            except OSError as error:
                log.warning("%s cannot be written: %s", self._path, error.strerror)

    def ended(self, job: str, stem: str) -> None:
        """The player has silenced it. Removes the file where nothing else may sound."""
        self._playing.pop((job, stem), None)
        self._tidy()

    def lost(self) -> None:
        """The player has died, and what played has no end."""
        self._left = self._all()
        self._playing.clear()

    def told(self) -> None:
        """A player has ended what was left. Removes the file where nothing else may sound."""
        self._left = {}
        self._tidy()

    def close(self) -> None:
        """All has ended. Removes the file."""
        self._playing.clear()
        self.told()

    def _all(self) -> dict[str, tuple[bytes, ...]]:
        ends = dict(self._left)
        for (_, stem), more in self._playing.items():
            ends[stem] = tuple((Counter(ends.get(stem, ())) | Counter(more)).elements())
        return ends

    def _tidy(self) -> None:
        if not self._playing and not self._left:
            forget(self._path)


def ending_messages(schedules: Iterable[Schedule]) -> Ends:
    """What ends these, wherever they are broken off."""
    return {(schedule.job, schedule.stem): may_leave(schedule.messages) for schedule in schedules}


def forget(path: Path | None) -> None:
    """Removes the file, if it is there."""
    if path is not None:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _check(left: dict[str, tuple[bytes, ...]]) -> None:
    """Raises ValueError where this was never written by `UnendedNotes`."""
    for stem, ends in left.items():
        if stem not in STEMS or not all(_is_end(data) for data in ends):
            raise ValueError(f"no end of a note: {stem}")


def _is_end(data: bytes) -> bool:
    return len(data) == 3 and max(data[1:]) < 0x80 and (data in SILENCE or ends_something(data))
