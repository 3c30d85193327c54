"""What hearing costs, how soon it sounds, and whether it breaks off.

`python -m benchmarks.speed.hearing [--seconds 120] [--engine good] [--starts 5] [--idle] [--json]`

Four stems (WAV, 44.1 kHz) are played by `python -m bridge.hearing` on jackd's dummy driver at 48 kHz, or, without
jackd, on miniaudio's device without hardware. Measured are the time from `play` until the output takes sound, with a
new process and with one that runs; the process's share of a core for the stems, and for 4 × 8 notes a second; and how
often the output had to wait while a bridge separates a song on all cores and draws its screen.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.report import Figure, machine
from benchmarks.speed.busy_bridge import busy_bridge
from bridge.hearing.client import HearingClient
from bridge.model import Note
from bridge.protocols.hearing import Track
from tests.support.jack_server import running_jack, why_no_jack

STEMS = ("vocals", "drums", "bass", "other")
RATE_HZ = 44_100
CLIP_SECONDS = 300
PERIOD_FRAMES = 256
#: How long a share of a core is measured.
COST_SECONDS = 20.0


def write_stems(folder: Path) -> list[Track]:
    """Four stems of noise."""
    random = np.random.default_rng(0)
    tracks = []
    for name in STEMS:
        path = folder / f"{name}.wav"
        second = (0.1 * random.standard_normal((RATE_HZ, 2))).astype(np.float32)
        with soundfile.SoundFile(path, "w", RATE_HZ, 2, "PCM_24") as file:
            for _ in range(CLIP_SECONDS):
                file.write(second)
        tracks.append(Track(name=name, path=str(path)))
    return tracks


def noted() -> list[Track]:
    """Four parts, each of eight notes a second that last half a second."""
    notes = [
        Note(onset_seconds=step / 8, offset_seconds=step / 8 + 0.5, pitch=40 + step * 7 % 36, velocity=60 + step % 60)
        for step in range(8 * CLIP_SECONDS)
    ]
    return [Track(name=name, notes=tuple(notes), is_drums=name == "drums") for name in STEMS]


@contextlib.contextmanager
def outputs() -> Iterator[str]:
    """The output to hear on, while the block runs."""
    if why_no_jack():
        yield "silent"
        return
    with running_jack(PERIOD_FRAMES, synchronous=False) as server:
        before = os.environ.copy()
        os.environ.update(server.environment)
        try:
            yield "jack"
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextlib.asynccontextmanager
async def opened(hear_on: str) -> AsyncIterator[HearingClient]:
    client = HearingClient(hear_on, answer_seconds=60.0)
    try:
        yield client
    finally:
        await client.close()


async def starts(hear_on: str, tracks: Sequence[Track], count: int) -> list[Figure]:
    """From `play` to its return: the output takes sound then."""
    cold: list[float] = []
    warm: list[float] = []
    for _ in range(count):
        async with opened(hear_on) as client:
            for found in (cold, warm):
                began = time.perf_counter()
                await client.play(tracks)
                found.append(time.perf_counter() - began)
                client.stop()
                await asyncio.sleep(1.0)
    return [
        Figure("start to first sound, new process", "s", cold, "≤ 1"),
        Figure("start to first sound, running process", "s", warm, "≤ 0.1"),
    ]


async def cost(hear_on: str, name: str, tracks: Sequence[Track]) -> Figure:
    """The process's share of a core; Linux."""
    async with opened(hear_on) as client:
        await client.play(tracks)
        assert client.pid is not None
        await asyncio.sleep(1.0)
        before, began = _cpu_seconds(client.pid), time.perf_counter()
        await asyncio.sleep(COST_SECONDS)
        share = (_cpu_seconds(client.pid) - before) / (time.perf_counter() - began)
        return Figure(f"share of a core, {name}", "%", [100 * share], "≤ 10", {"underruns": client.underruns})


async def endurance(hear_on: str, tracks: Sequence[Track], seconds: float, load: str) -> Figure:
    """How often the output had to wait."""
    async with opened(hear_on) as client:
        await client.play(tracks)
        await asyncio.sleep(seconds)
        if not client.status.is_playing:
            raise SystemExit(f"it does not play any more: {client.status.message}")
        return Figure(f"underruns in {seconds:g} s, {load}", "", [float(client.underruns)], "0")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(chosen: argparse.Namespace) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, outputs() as hear_on:
        stems = write_stems(Path(name))
        rows = await starts(hear_on, stems, chosen.starts)
        rows.append(await cost(hear_on, "four stems", stems))
        rows.append(await cost(hear_on, "notes of four stems", noted()))
        if not chosen.idle:
            async with busy_bridge(Path(name) / "models", chosen.engine):
                rows.append(await endurance(hear_on, stems, chosen.seconds, "a worker on all cores"))
        return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=120.0, help="how long the worker works beside it")
    parser.add_argument("--engine", default="good")
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--idle", action="store_true", help="without the worker")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = asyncio.run(measure(chosen))
    if chosen.json:
        print(json.dumps({"machine": machine(), "rows": [{"name": row.name, "values": row.values} for row in rows]}))
        return
    for row in rows:
        print(row.line())


if __name__ == "__main__":
    main()
