"""What does a library's songs on one machine: our worker, several of them, or Dask's local cluster around them.

    python -m benchmarks.speed.library CLIP --songs 12 --seconds 20 --engine draft --rounds 3

Each way does the same songs, cut from CLIP at different places, in turns with the others; the first ones, which load
the models, do not count. `own`: one worker with all cores. `own x2`: two workers with one core each. `dask`, `dask x2`:
the same workers, each a child of a process of Dask's local cluster (needs the extra `farm`). Told are songs an hour of
each, medians of all rounds, the memory of all processes at the end, and the load of the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import psutil
import soundfile

from bridge.config import Settings
from bridge.events import Ended
from bridge.options.record import from_record, to_record
from bridge.request import JobRequest
from bridge.worker.local_computer import LocalComputer

#: Computes one song: (its number, its request).
Compute: TypeAlias = Callable[[int, JobRequest], Awaitable[str]]
#: Way → how many workers, and whether Dask has them.
WAYS: dict[str, tuple[int, bool]] = {"own": (1, False), "own x2": (2, False), "dask": (1, True), "dask x2": (2, True)}

#: In a process of Dask: its worker.
_computers: list[LocalComputer] = []


def make_songs(clip: Path, folder: Path, count: int, seconds: float) -> list[Path]:
    """Cuts songs from a clip, each from another place on, so that no cache knows it."""
    samples, rate = soundfile.read(clip, always_2d=True)
    frames = min(round(seconds * rate), len(samples))
    songs = []
    for number in range(count):
        start = (len(samples) - frames) * number // max(1, count - 1)
        songs.append(folder / f"song {number}.wav")
        soundfile.write(songs[-1], samples[start : start + frames], rate)
    return songs


def settings_in(folder: Path) -> Settings:
    return Settings(cache_dir=folder / "cache", cache_max_gb=0.0, models_dir=folder / "models")


async def compute_in_dask(folder: str, number: int, record: dict[str, object]) -> str:
    """The task: runs in a process of Dask, whose worker stays from song to song."""
    if not _computers:
        _computers.append(await LocalComputer.open(settings_in(Path(folder))))
    return _outcome(await _computers[0].compute(f"song{number}", from_record(record), lambda _: None))


@asynccontextmanager
async def computing(way: str, folder: Path) -> AsyncIterator[tuple[int, Compute]]:
    """How many songs at once, and what computes one."""
    count, with_dask = WAYS[way]
    if with_dask:
        from distributed import Client, LocalCluster

        async with (
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=count, threads_per_worker=1, processes=True, asynchronous=True, dashboard_address=None
            ) as cluster,
            Client(cluster, asynchronous=True) as client,  # type: ignore[no-untyped-call]
        ):

            async def compute(number: int, request: JobRequest) -> str:
                future: Any = client.submit(
                    compute_in_dask, str(folder), number, to_record(request), pure=False, allow_other_workers=False
                )
                return str(await future)

            yield count, compute
        return
    computers = [await LocalComputer.open(settings_in(folder)) for _ in range(count)]
    free = asyncio.Queue[LocalComputer]()
    for computer in computers:
        free.put_nowait(computer)

    async def compute_here(number: int, request: JobRequest) -> str:
        computer = await free.get()
        try:
            return _outcome(await computer.compute(f"song{number}", request, lambda _: None))
        finally:
            free.put_nowait(computer)

    try:
        yield count, compute_here
    finally:
        for computer in computers:
            await computer.close()


async def measure(way: str, songs: Sequence[Path], engine: str, folder: Path) -> dict[str, float]:
    """Does all songs in one way; the first ones, one for each worker, only warm it up."""
    requests = [
        from_record({"source": str(song), "engine": engine, "out": str(folder / "out" / song.stem)}) for song in songs
    ]
    async with computing(way, folder) as (count, compute):
        await asyncio.gather(*(compute(number, request) for number, request in enumerate(requests[:count])))
        rest = [*enumerate(requests)][count:]
        began = time.monotonic()
        slots = asyncio.Semaphore(count)

        async def one(number: int, request: JobRequest) -> None:
            async with slots:
                outcome = await compute(number, request)
                assert outcome == "done", outcome

        await asyncio.gather(*(one(number, request) for number, request in rest))
        seconds = time.monotonic() - began
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        return {
            "songs_per_hour": round(len(rest) / seconds * 3600, 1),
            "memory_mb": round(sum(process.memory_info().rss for process in family) / 1e6),
        }


def measured(way: str, clip: Path, count: int, seconds: float, engine: str) -> dict[str, float]:
    """One way in a process of its own; with two workers, each has one core."""
    workers, _ = WAYS[way]
    threads = max(1, (os.cpu_count() or 1) // workers)
    command = [sys.executable, "-m", "benchmarks.speed.library", str(clip), "--way", way, "--engine", engine]
    command += ["--songs", str(count), "--seconds", str(seconds)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _outcome(end: Ended) -> str:
    return end.outcome if end.failure is None else end.failure.message


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--engine", default="draft")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument("--way", choices=[*WAYS], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        with tempfile.TemporaryDirectory() as folder:
            songs = make_songs(given.clip, Path(folder), given.songs, given.seconds)
            print(json.dumps(asyncio.run(measure(given.way, songs, given.engine, Path(folder)))))
        return 0
    rows: dict[str, list[dict[str, float]]] = {way: [] for way in given.ways}
    for _ in range(given.rounds):
        for way in given.ways:
            rows[way].append(measured(way, given.clip, given.songs, given.seconds, given.engine))
            print(f"{way}: {rows[way][-1]}, load {psutil.getloadavg()[0]:.1f}", flush=True)
    for way, found in rows.items():
        speed, memory = (median(row[key] for row in found) for key in ("songs_per_hour", "memory_mb"))
        print(f"{way:<8} {speed:8.0f} songs/h  {memory:6.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
