"""A bridge that goes on without its screen: `sab serve` in the background, with the same options."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.pipe.client import facts_of
from bridge.pipe.messages import Facts
from bridge.system.own_program import own_sab

START_SECONDS = 30.0
LOOK_SECONDS = 0.1
MAX_WORDS = 400


def as_arguments(options: Mapping[str, object]) -> Iterator[str]:
    """The options of a command by their names in Python → as they are written; None and empty: not given."""
    for name, value in options.items():
        written = name.replace("_", "-")
        if value is True:
            yield f"--{written}"
        elif value is False:
            yield f"--no-{written}"
        elif isinstance(value, list):
            for one in value:
                yield from (f"--{written}", str(one))
        elif value is not None:
            yield from (f"--{written}", str(value))


async def go_on_in_background(settings: Settings, arguments: Sequence[str]) -> Facts:
    """Starts `sab serve` with these arguments, so that it outlives this program and its terminal.

    Returns when it runs.

    Raises:
        EngineFailed: it does not start; the message says why.
    """
    with tempfile.TemporaryFile() as said:
        try:
            process = _start((*own_sab(), "serve", *arguments), said)
        except OSError as error:
            raise _does_not_go_on(error.strerror or str(error)) from error
        until_seconds = time.monotonic() + START_SECONDS
        while (facts := await facts_of(settings.own_folder)) is None:
            if process.poll() is not None:
                said.seek(0)
                raise _does_not_go_on(said.read().decode("utf-8", "replace")[-MAX_WORDS:])
            if time.monotonic() > until_seconds:
                raise _does_not_go_on(f"it did not answer within {START_SECONDS:.0f} s")
            await asyncio.sleep(LOOK_SECONDS)
        return facts


def _start(command: Sequence[str], said: BinaryIO) -> subprocess.Popen[bytes]:
    none = subprocess.DEVNULL
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, stdin=none, stdout=none, stderr=said, creationflags=flags)  # noqa: S603
    return subprocess.Popen(command, stdin=none, stdout=none, stderr=said, start_new_session=True)  # noqa: S603


def _does_not_go_on(reason: str) -> EngineFailed:
    return EngineFailed(
        f"The bridge does not go on in the background: {reason}.",
        advice="Its jobs are kept, and go on at its next start; `sab log` shows more.",
    )
