"""Clients that listen when a run ends, however it ends; the next start greets them and goes on with them.

UDP has no connections, so they would not notice.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole

#: Limits the messages sent at start, in case of a flood of subscribers.
MAX_SUBSCRIBERS = 256
LONGEST_TTL_SECONDS = 3_600.0
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
    """The clients in a small file; a missing or broken file counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._wanted: tuple[ReturningSubscriber, ...] | None = None
        """What is not written yet."""
        self._writer: threading.Thread | None = None
        """None: nothing is being written."""

    def load(self) -> tuple[ReturningSubscriber, ...]:
        """Reads the file; may wait for the drive."""
        with contextlib.suppress(OSError, ValueError):
            # earlier versions stored only the host and the port
            found = read_json(self._path, list[tuple[str, int] | ReturningSubscriber])
            clients = [one if isinstance(one, ReturningSubscriber) else ReturningSubscriber(*one) for one in found]
            return tuple(client for client in clients if client.is_possible)[:MAX_SUBSCRIBERS]
        return ()

    def save(self, clients: Iterable[ReturningSubscriber]) -> None:
        """Writes the file on another thread; returns at once. Of several calls, the last counts."""
        with self._lock:
            self._wanted = tuple(clients)[:MAX_SUBSCRIBERS]
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, daemon=True, name="subscribers")
                self._writer.start()

    def close(self) -> None:
        """Waits until what was saved is written, but not longer than `CLOSE_SECONDS`."""
        with self._lock:
            writer = self._writer
        if writer is not None:
            writer.join(CLOSE_SECONDS)

    def _write(self) -> None:
        while True:
            with self._lock:
                wanted, self._wanted = self._wanted, None
                if wanted is None:
                    self._writer = None
                    return
            with contextlib.suppress(OSError):
                write_whole(self._path, msgspec.json.encode(wanted))
