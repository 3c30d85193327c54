"""A bridge under full load: its screen on a pseudo-terminal, its worker separating a long song."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import soundfile

from bridge import PROTOCOL_VERSION
from bridge.events import Ended, Progressed
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import event_of

RATE_HZ = 44_100
COLUMNS, ROWS = 120, 40
#: Until the worker separates: it loads libraries and the model, and may convert the model first.
START_SECONDS = 180.0


class BusyBridge:
    """The state of the load: the progress of its job, and how much its screen has drawn."""

    def __init__(self) -> None:
        self.drawn_bytes = 0
        self.fraction = 0.0
        self.stage = "queued"
        self.jobs = 0
        self.since = time.monotonic()

    @property
    def drawn_per_second(self) -> float:
        return self.drawn_bytes / (time.monotonic() - self.since)


@contextlib.asynccontextmanager
async def busy_bridge(models: Path, engine: str, song_seconds: float = 600.0) -> AsyncIterator[BusyBridge]:
    """`sab` on a pseudo-terminal, without MIDI ports; yields once its worker separates, and keeps submitting songs."""
    work = Path(tempfile.mkdtemp(prefix="sab-busy-"))
    busy = BusyBridge()
    song = song_of_noise(work / "song.wav", song_seconds)
    port = _free_port()
    process, terminal = _screen(engine, models, work, port)
    threading.Thread(target=_drain, args=(terminal, busy), daemon=True).start()
    try:
        async with open_client("127.0.0.1", port) as client:
            await _greet(client)
            feeding = asyncio.create_task(_feed(client, song, work, busy))
            try:
                await asyncio.wait_for(_separating(busy, feeding), START_SECONDS)
                busy.drawn_bytes, busy.since = 0, time.monotonic()
                yield busy
            finally:
                feeding.cancel()
                await asyncio.gather(feeding, return_exceptions=True)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        os.close(terminal)
        shutil.rmtree(work, ignore_errors=True)


def _screen(engine: str, models: Path, work: Path, port: int) -> tuple[subprocess.Popen[bytes], int]:
    """The program, and the other end of its terminal."""
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "bridge", "tui", "--no-midi", "--engine", engine, "--port", str(port)]
    command += ["--models-dir", str(models), "--state-dir", str(work / "state")]
    environment = {**os.environ, "TERM": "xterm-256color", "SAB_CACHE_MAX_GB": "0"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    return process, terminal


async def _greet(client: OscClient) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            await client.ask("/sab/hello", "benchmark", PROTOCOL_VERSION, answer_seconds=1.0)
            break
        except Exception:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.2)
    await client.ask("/sab/subscribe", 1, 3600)


async def _feed(client: OscClient, song: Path, work: Path, busy: BusyBridge) -> None:
    while True:
        await client.ask("/sab/submit", str(song), "out", str(work / f"out-{busy.jobs}"), "midi", "none")
        busy.jobs += 1
        async for push in client.pushes():
            event = event_of(push)
            if isinstance(event, Progressed):
                busy.stage, busy.fraction = event.stage, event.fraction
            if isinstance(event, Ended):
                if event.outcome != "done":
                    raise SystemExit(f"the load's job ended as {event.outcome}")
                break


async def _separating(busy: BusyBridge, feeding: asyncio.Task[None]) -> None:
    while busy.stage != "separating":
        if feeding.done():
            feeding.result()
        await asyncio.sleep(0.1)


def song_of_noise(path: Path, seconds: float) -> Path:
    """Writes a song of white noise, in stereo."""
    noise = np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32) * 0.1
    with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_16") as file:
        for _ in range(round(seconds)):
            file.write(noise)
    return path


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _drain(terminal: int, busy: BusyBridge) -> None:
    with contextlib.suppress(OSError):  # the program has ended
        while data := os.read(terminal, 65536):
            busy.drawn_bytes += len(data)
