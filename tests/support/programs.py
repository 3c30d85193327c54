"""Runs the real programs: a `sab serve` for a test, and commands."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bridge.osc.addresses import STATUS_REPLY
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import arguments_of

START_SECONDS = 60
POLL_SECONDS = 0.05


@dataclass
class Server:
    """A running `sab serve`."""

    process: subprocess.Popen[str]
    host: str
    port: int
    folder: Path
    """Its state folder."""

    def worker_pid(self) -> int:
        """The process that separates."""
        return next(pid for pid in children(self.process.pid) if "bridge.worker" in command_line(pid))

    def player_pid(self) -> int:
        """The process that plays MIDI."""
        return next(pid for pid in children(self.process.pid) if "bridge.midi" in command_line(pid))


@contextmanager
def serving(folder: Path, *options: str, port: int = 0, dies: bool = False) -> Iterator[Server]:
    """Runs a server with its own state folder, by default on a free port; SIGTERM must end it with status 0.

    With `dies`, the test may kill it.
    """
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(port), "--state-dir", str(folder), *options]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        try:
            url = urlsplit(process.stdout.readline().removeprefix("listening on ").strip())
            assert url.scheme == "osc.udp", (folder / "server.log").read_text()
            assert url.hostname is not None
            assert url.port is not None
            yield Server(process, url.hostname, url.port, folder)
        finally:
            process.terminate()
            status = process.wait(START_SECONDS)
            process.stdout.close()
    assert status == 0 or dies, (folder / "server.log").read_text()


async def until_ports_are_open(server: Server, backend: str = "jack") -> None:
    """Returns when a server has its MIDI ports, so that a DAW that starts now finds them."""
    async with open_client(server.host, server.port) as client:
        await until_status(client, "midi_backend", backend)


async def until_status(client: OscClient, field: str, value: str) -> None:
    """Returns when a field of `/sab/status.reply` has a value; no push tells of it."""
    while arguments_of((await client.ask("/sab/status"))[0], STATUS_REPLY)[field] != value:  # noqa: ASYNC110
        await asyncio.sleep(POLL_SECONDS)


def sab(
    *arguments: str | Path,
    timeout: float = 100,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs one command and waits for its end."""
    command = [sys.executable, "-m", "bridge", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=environment, check=False
    )


def children(pid: int) -> Sequence[int]:
    """The process ids of a process' children (Linux)."""
    listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(word) for word in listed.split()]


def command_line(pid: int) -> str:
    """The command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        os.kill(pid, 0)
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (OSError, IndexError):
        return False


def has_ended(pid: int, within_seconds: float = 30.0) -> bool:
    """Waits for the end of a process that is not a child of this one; returns whether it ended in time."""
    deadline = time.monotonic() + within_seconds
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)  # there is no notification for processes that are not children
    return not is_alive(pid)
