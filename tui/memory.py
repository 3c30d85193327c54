"""What the screen remembers from one start to the next: the theme, and the last choices of its forms.

It is no setting: nobody has to write it, and a file that is damaged or missing only means that nothing is remembered.
"""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole
from bridge.value import Value

log = logging.getLogger(__name__)

#: In the state folder.
NAME = "screen.json"
#: How long the end of the screen waits for the drive.
CLOSE_SECONDS = 2.0


class Choices(Value, frozen=True, kw_only=True):
    """The choices; every field has a default, so that a file of another version can be read."""

    theme: str = ""
    """Empty: the one that the program starts with."""
    folder: str = ""
    """Where the file browser starts: an absolute path."""
    add: dict[str, str] = msgspec.field(default_factory=dict)
    """The options of the last song that was added, by their names, as they were typed."""
    sort: str = ""
    """The order of the history, by its name."""


class Memory:
    """The choices of this user. A change counts at once, and is on the drive soon after."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: the state folder; None: nothing outlives the process."""
        self._path = None if folder is None else folder / NAME
        self._writing = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.choices = _read(self._path)

    def remember(self, **changes: object) -> None:
        """Changes fields of the choices; returns at once.

        Only these fields are written: another screen may have changed the others meanwhile.

        Raises:
            TypeError: there is no such field.
        """
        changed = msgspec.structs.replace(self.choices, **changes)
        if changed == self.choices:
            return
        self.choices = changed
        if self._path is not None:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            thread = threading.Thread(target=self._write, args=(self._path, changes), daemon=True, name="choices")
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Waits until everything is written, but not longer than `CLOSE_SECONDS`."""
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)

    def _write(self, path: Path, changes: dict[str, object]) -> None:
        with self._writing:
            try:
                write_whole(path, msgspec.json.encode(msgspec.structs.replace(_read(path), **changes)))
            except (OSError, ValueError) as error:  # a name that is no text cannot be written
                log.warning("the screen's choices are not kept: %s", error)


def _read(path: Path | None) -> Choices:
    try:
        return Choices() if path is None else read_json(path, Choices)
    except FileNotFoundError:
        return Choices()
    except (OSError, ValueError) as error:
        log.warning("the screen's choices cannot be read: %s", error)
        return Choices()
