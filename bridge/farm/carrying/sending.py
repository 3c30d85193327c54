"""The clip's way to a machine of the farm: in chunks, and only what that machine does not have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from bridge.audio.check import changed
from bridge.errors import EngineFailed
from bridge.farm.carrying import serving
from bridge.farm.carrying.values import CHUNK_BYTES, Clip, encode
from bridge.system.files import modified_ns, sha256_of


class RemoteCalls(Protocol):
    """One machine of the farm, as the client process reaches it."""

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls one of `serving` there; returns what it returns.

        Raises:
            OSError: the machine has gone.
            Exception: what the function has raised there.
        """
        ...


def clip_of(path: Path) -> Clip:
    """A file as it is now, under a name that leads nowhere else on any system; reads it whole.

    Raises:
        EngineFailed: it is hidden, so a machine would not find its results.
        OSError: it cannot be read.
    """
    if path.name.startswith("."):
        raise EngineFailed(f"{path} is a hidden file, which a machine without a shared folder cannot do.", advice="")
    found, name = path.stat(), path.name.replace("\\", "_")  # its results are called so too
    return Clip(sha256=sha256_of(path), size_bytes=found.st_size, name=name, changed_ns=modified_ns(found))


async def send_clip(machine: RemoteCalls, clip: Clip, path: Path) -> None:
    """Sends what the machine has not of a clip; in memory is one chunk of it.

    Raises:
        NotReadable: the file has changed meanwhile.
        OSError: it cannot be read, or the machine has gone.
    """
    packed = encode(clip)
    start = await machine.call(serving.wants, packed)
    while start < clip.size_bytes:
        content = await asyncio.to_thread(_read, path, start)
        if not content:
            raise changed(path)
        start = await machine.call(serving.take, packed, start, content)


def _read(path: Path, start: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(CHUNK_BYTES)
