"""Subscribers at the end of a run, which get `/sab/startup` at the next start, as UDP has no connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole

#: Limits the messages sent at start, in case of a flood of subscribers.
MAX_ENDPOINTS = 64


class ReturningSubscribers:
    """Hosts and ports of subscribers in a small file; a missing or broken file counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[tuple[str, int], ...]:
        with contextlib.suppress(OSError, ValueError):
            found = read_json(self._path, list[tuple[str, int]])
            return tuple((host, port) for host, port in found[:MAX_ENDPOINTS] if 0 < port < 65536)
        return ()

    def save(self, endpoints: Iterable[tuple[str, int]]) -> None:
        with contextlib.suppress(OSError):
            write_whole(self._path, msgspec.json.encode(list(endpoints)[:MAX_ENDPOINTS]))
