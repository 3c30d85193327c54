"""Clients that listen when a run ends, however it ends; the next start greets them and goes on with them.

UDP has no connections, so they would not notice.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole

#: Limits the messages sent at start, in case of a flood of subscribers.
MAX_SUBSCRIBERS = 256
LONGEST_TTL_SECONDS = 3_600.0
#: Changes within this time are written together.
SAVE_SECONDS = 0.5
CLOSE_SECONDS = 2.0


class ReturningSubscriber(msgspec.Struct, frozen=True):
    """One client, as it was when it was stored."""

    host: str
    """Its numeric address."""
    port: int
    """Where it listens."""
    id: int = 0
    """Its number, which its groups belong to; 0: unknown."""
    ttl_seconds: float | None = None
    """How long its subscription lasts without a message; None: it follows only its own jobs."""
    jobs: tuple[str, ...] = ()
    """The jobs that it follows."""
    own_jobs: tuple[str, ...] = ()
    """Those that it submitted itself."""
    groups: tuple[tuple[str, str], ...] = ()
    """Its names of groups, each with its id."""

    @property
    def is_possible(self) -> bool:
        return 0 < self.port < 65_536 and (self.ttl_seconds is None or 0 < self.ttl_seconds <= LONGEST_TTL_SECONDS)


class ReturningSubscribers:
    """The clients in a small file; a missing or broken file counts as empty.

    They are written whenever they change, so that a bridge that was killed can be followed by one that knows them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: list[ReturningSubscriber] | None = None
        self._wanted: list[ReturningSubscriber] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing = threading.Lock()

    def load(self) -> tuple[ReturningSubscriber, ...]:
        """Reads the file; may wait for the drive."""
        with contextlib.suppress(OSError, ValueError):
            # earlier versions stored only the host and the port
            found = read_json(self._path, list[tuple[str, int] | ReturningSubscriber])
            clients = [one if isinstance(one, ReturningSubscriber) else ReturningSubscriber(*one) for one in found]
            return tuple(client for client in clients if client.is_possible)[:MAX_SUBSCRIBERS]
        return ()

    def save(self, clients: Iterable[ReturningSubscriber]) -> None:
        """Writes them soon, on another thread; returns at once. To be called on the event loop, however often."""
        self._wanted = list(clients)[:MAX_SUBSCRIBERS]
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
