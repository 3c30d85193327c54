"""Who has read the bridge over HTTP, for the screen Connections."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.connections.values import HttpReader
from bridge.connections.wire import shortened

#: Programs that are remembered; each counts by its address and what it calls itself.
MAX_READERS = 32
LONGEST_AGENT, LONGEST_PATH = 48, 120


@dataclass
class _Record:
    requests: int = 0
    refused: int = 0
    last_path: str = ""
    last_seconds: float = 0.0


class HttpReaders:
    """The last programs that have asked."""

    def __init__(self, monotonic_seconds: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic_seconds
        self._records: dict[tuple[str, str], _Record] = {}  # who asked last is last

    def has_asked(self, host: str, agent: str, path: str, *, was_refused: bool) -> None:
        """A request was answered. Texts may be anything."""
        key = shortened(host, LONGEST_AGENT), shortened(agent, LONGEST_AGENT)
        record = self._records.pop(key, None) or _Record()
        self._records[key] = record
        record.requests += 1
        record.refused += was_refused
        record.last_path, record.last_seconds = shortened(path, LONGEST_PATH), self._now()
        while len(self._records) > MAX_READERS:
            del self._records[next(iter(self._records))]

    def seen(self) -> tuple[HttpReader, ...]:
        """All of them; who asked last is first."""
        now = self._now()
        return tuple(
            HttpReader(
                host=host,
                agent=agent,
                requests=record.requests,
                refused=record.refused,
                last_path=record.last_path,
                last_age_seconds=max(0.0, now - record.last_seconds),
            )
            for (host, agent), record in reversed(self._records.items())
        )
