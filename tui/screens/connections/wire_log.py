"""The messages of the wire that are kept: the newest, filtered, and held while the view is paused."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from pathlib import Path

from bridge.connections.values import WireMessage

#: How many messages are kept; older ones are dropped.
MOST_MESSAGES = 10_000
#: Saved wires may name folders of the user, so other accounts do not read them.
FILE_MODE = 0o600


class WireLog:
    """Keeps messages; `shown` are those that the view shows now."""

    def __init__(self) -> None:
        self._messages: deque[WireMessage] = deque(maxlen=MOST_MESSAGES)
        self._arrived: list[WireMessage] = []
        self.shown: list[WireMessage] = []
        """Those that match the filter, oldest first; while it is paused, as they were."""
        self.filter = ""
        self.is_paused = False

    @property
    def waiting(self) -> int:
        """How many came while it is paused."""
        return len(self._arrived) if self.is_paused else 0

    def put(self, message: WireMessage) -> None:
        """A message has passed; it is shown with the next `take`."""
        self._arrived.append(message)
        if len(self._arrived) > MOST_MESSAGES:
            del self._arrived[: -MOST_MESSAGES // 2]

    def take(self) -> bool:
        """Moves what has arrived into view, unless it is paused; whether anything changed."""
        if self.is_paused or not self._arrived:
            return False
        arrived, self._arrived = self._arrived, []
        self._messages.extend(arrived)
        self.shown += filter(self._matches, arrived)
        del self.shown[:-MOST_MESSAGES]
        return True

    def look_for(self, words: str) -> None:
        """Shows only messages that have `words` somewhere; empty: all."""
        self.filter = words.strip().lower()
        self.shown = [message for message in self._messages if self._matches(message)]

    def _matches(self, message: WireMessage) -> bool:
        if not self.filter:
            return True
        fields = (message.client, message.place, message.address, message.arguments, message.verdict)
        return any(self.filter in field.lower() for field in fields)


def wire_lines(messages: Iterable[WireMessage], zone: tzinfo | None) -> str:
    """The messages as lines of a text file: time, direction, client, place, address, arguments, verdict, with tabs."""

    def line(one: WireMessage) -> str:
        time = datetime.fromtimestamp(one.unix_seconds, zone).isoformat(timespec="milliseconds")
        direction = "out" if one.is_out else "in"
        return "\t".join((time, direction, one.client, one.place, one.address, one.arguments, one.verdict))

    return "".join(f"{line(message)}\n" for message in messages)


def save_wire(text: str, unix_seconds: float, zone: tzinfo | None, folder: Callable[[], Path] = Path.cwd) -> Path:
    """Writes a file of its own into the current folder, or the home folder if that is not possible; returns its path.

    Raises:
        OSError: neither could be written.
    """
    name = f"sab-wire-{datetime.fromtimestamp(unix_seconds, zone):%Y%m%d-%H%M%S}.txt"
    try:
        return _written(folder() / name, text)
    except OSError:
        return _written(Path.home() / name, text)


def _written(path: Path, text: str) -> Path:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(path, flags, FILE_MODE), "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return path
