"""Subscribers, which get `/sab/startup` at the next start of the bridge, as UDP has no connections."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole

#: Limits the messages sent at start, in case of a flood of subscribers.
MAX_ENDPOINTS = 64
#: Changes within this time are written together.
SAVE_SECONDS = 0.5
CLOSE_SECONDS = 2.0


class ReturningSubscribers:
    """Hosts and ports of subscribers in a small file; a missing or broken file counts as empty.

    They are written whenever they change, so that a bridge that was killed can be followed by one that knows them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: list[tuple[str, int]] | None = None
        self._wanted: list[tuple[str, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing = threading.Lock()

    def load(self) -> tuple[tuple[str, int], ...]:
        """Reads the file; may wait for the drive."""
        with contextlib.suppress(OSError, ValueError):
            found = read_json(self._path, list[tuple[str, int]])
            return tuple((host, port) for host, port in found[:MAX_ENDPOINTS] if 0 < port < 65536)
        return ()

    def save(self, endpoints: Iterable[tuple[str, int]]) -> None:
        """Writes them soon, on another thread; returns at once. To be called on the event loop, however often."""
        self._wanted = list(endpoints)[:MAX_ENDPOINTS]
        if self._wanted != self._saved and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_SECONDS, self._save_now)

    def close(self) -> None:
        """Writes what waits; waits for the drive, but not longer than `CLOSE_SECONDS`."""
        if self._timer is not None:
            self._timer.cancel()
        if self._wanted != self._saved:
            self._write_on_thread().join(CLOSE_SECONDS)

    def _save_now(self) -> None:
        self._timer = None
        if self._wanted != self._saved:
            self._write_on_thread()

    def _write_on_thread(self) -> threading.Thread:
        thread = threading.Thread(target=self._write, daemon=True, name="subscribers")
        thread.start()
        return thread

    def _write(self) -> None:
        with self._writing:  # the newest last
            wanted = self._wanted
            with contextlib.suppress(OSError):
                write_whole(self._path, msgspec.json.encode(wanted))
                self._saved = wanted
