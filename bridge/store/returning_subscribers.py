"""Who listened when the bridge ended, to be told by `/sab/startup` that it is there again: UDP itself tells nobody."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.system.files import read_json, write_whole

#: More would be a flood to answer a flood.
MOST = 64


class ReturningSubscribers:
    """Addresses and ports in a small file; without the file, or with a broken one, nobody is told."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> tuple[tuple[str, int], ...]:
        with contextlib.suppress(OSError, ValueError):
            found = read_json(self._path, list[tuple[str, int]])
            return tuple((host, port) for host, port in found[:MOST] if 0 < port < 65536)
        return ()

    def save(self, endpoints: Iterable[tuple[str, int]]) -> None:
        with contextlib.suppress(OSError):
            write_whole(self._path, msgspec.json.encode(list(endpoints)[:MOST]))
