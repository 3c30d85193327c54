"""From `/sab/submit` to the first final stems, on a warm server, by engine, length and format of the clip.

    python -m benchmarks.speed.first_stems [--engines draft,good,htdemucs] [--clips 15,60,600]
        [--formats wav,wav48,flac,mp3,ogg] [--times 3] [--before CHECKOUT] [--json]

With `--before`, a server of another checkout of the bridge (made ready by `make .venv/ready`, for its networks) takes
turns with this one, and each row is a comparison; both servers are there all the time. Without `--models` it uses a
model of the released size with random weights, which is as fast as the trained one. Clips other than 44.1 kHz WAV need
the program ffmpeg.

The first stems are seen from outside, so that any version can be measured: the scratch files of a job's stems appear
among the worker's open files, and all of them hold something. The claim of the folder and the decoded clip lie there
too, and do not count. Linux only. As soon as that is so, the job is cancelled.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from statistics import median

from benchmarks.report import Comparison, Figure, Row, show
from benchmarks.speed import bridge_runs
from benchmarks.speed.separation import Bench
from bridge.events import Ended
from bridge.osc.addresses import ACCEPTED
from bridge.osc.client import OscClient
from bridge.osc.fields import arguments_of, event_of
from bridge.project_paths import PARTIAL
from bridge.stems import STEMS
from tools.full_size_model import FULL_SIZE, build

#: Seconds until the first stems: what is aimed at for the first note, less 0.4 s for transcribing and sending.
AIMS = {"draft": 1.0, "good": 1.0, "htdemucs": 2.4}
#: What ffmpeg makes of a WAV file for each format: the ending, and its options.
FORMATS = {
    "wav": (".wav", ()),
    "wav48": (".48.wav", ("-ar", "48000", "-c:a", "pcm_s24le")),
    "flac": (".flac", ()),
    "mp3": (".mp3", ("-b:a", "256k")),
    "ogg": (".ogg", ("-c:a", "libvorbis", "-q:a", "6")),
}
POLL_SECONDS = 0.002
#: How the scratch files of stems end in /proc.
_SCRATCH = tuple(f".{stem}{PARTIAL} (deleted)" for stem in STEMS)
LONGEST_SECONDS = 120.0


class FirstStems:
    """Sees from outside that the first block of a job's stems is there."""

    def __init__(self, out: Path) -> None:
        self._prefix = f"{out}{os.sep}"

    async def wait(self) -> None:
        """Returns when it is there."""
        end = time.perf_counter() + LONGEST_SECONDS
        processes: list[Path] = []
        while not any(map(self._are_in, processes)):
            if time.perf_counter() > end:
                raise SystemExit(f"no stems after {LONGEST_SECONDS:g} s")
            await asyncio.sleep(POLL_SECONDS)
            processes = processes or [*_workers()]

    def _are_in(self, process: Path) -> bool:
        """Whether a process has stems of the job open, none of which is empty."""
        sizes = []
        with suppress(OSError):  # it has ended
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):  # it was closed meanwhile
                    if self._is_stem(str(descriptor.readlink())):
                        sizes.append(descriptor.stat().st_size)
        return bool(sizes) and all(sizes)

    def _is_stem(self, file: str) -> bool:
        return file.startswith(self._prefix) and file.endswith(_SCRATCH)


def _workers() -> Iterator[Path]:
    """All workers on this machine."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if b"bridge.worker" in (process / "cmdline").read_bytes():
                yield process


async def first_stems_seconds(client: OscClient, clip: Path, out: Path, engine: str) -> float:
    """Seconds from the request to the first block; the job is cancelled then, and over when this returns."""
    first = asyncio.create_task(FirstStems(out).wait())
    began = time.perf_counter()
    (accepted,) = await client.ask("/sab/submit", str(clip), "out", str(out), "engine", engine)
    await first
    seconds = time.perf_counter() - began
    job = arguments_of(accepted, ACCEPTED)["job"]
    await client.ask("/sab/cancel", str(job))
    async for message in client.pushes():
        match event_of(message):
            case Ended(job=ended, outcome="failed") if ended == job:
                raise SystemExit("the job failed")
            case Ended(job=ended) if ended == job:
                break
    return seconds


def in_format(wav: Path, name: str) -> Path:
    """The clip in a format of `FORMATS`, made if it is missing."""
    ending, options = FORMATS[name]
    path = wav.with_suffix(ending)
    if not path.exists():
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(wav), *options, str(path)]
        subprocess.run(command, check=True)
    return path


async def measure(chosen: argparse.Namespace, bench: Bench, work: Path) -> list[Row]:
    rows: list[Row] = []
    numbers = itertools.count()
    for engine in chosen.engines:
        checkouts = [None] if chosen.before is None else [None, chosen.before.absolute()]
        async with AsyncExitStack() as servers:
            clients = [
                await servers.enter_async_context(
                    bridge_runs.server(bench.models, "--engine", engine, checkout=checkout)
                )
                for checkout in checkouts
            ]
            for client in clients:
                await bridge_runs.submit(client, bench.clip(15.0), work / f"warm-{next(numbers)}")
            await asyncio.sleep(chosen.settle)
            for seconds, name in itertools.product(chosen.clips, chosen.formats):
                clip = in_format(bench.clip(seconds), name)
                taken: list[list[float]] = [[] for _ in clients]
                for run in range(chosen.times + 1):
                    for client, values in zip(clients, taken, strict=True):
                        out = work / f"out-{next(numbers)}"
                        value = await first_stems_seconds(client, clip, out, engine)
                        if run:  # the first only fills the caches of the system
                            values.append(value)
                rows.append(_row(f"first stems of {seconds:g} s, {name}, {engine}", AIMS[engine], taken))
    return rows


def _row(name: str, aim: float, taken: list[list[float]]) -> Row:
    ours = taken[0]
    if len(taken) == 1:
        return Figure(name, "s", ours, f"≤ {aim:g}")
    note = f"aim: {aim:g} s, {'reached' if median(ours) <= aim else 'missed'}"
    return Comparison(name, "before", ours, taken[1], target=1, note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = lambda text: text.split(",")  # noqa: E731 - a type for argparse
    parser.add_argument("--engines", type=listed, default=[*AIMS], help=f"some of {', '.join(AIMS)}")
    parser.add_argument("--clips", type=lambda text: [float(part) for part in text.split(",")], default=[15, 60, 600])
    parser.add_argument("--formats", type=listed, default=[*FORMATS], help=f"some of {', '.join(FORMATS)}")
    parser.add_argument("--times", type=int, default=3, help="runs of each")
    parser.add_argument("--before", type=Path, help="another checkout of the bridge, to compare with")
    parser.add_argument("--models", type=Path, help="folder with htdemucs.yaml and its checkpoint")
    parser.add_argument("--settle", type=float, default=60.0, help="idle seconds after a server's first job")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    for given, known in ((chosen.engines, AIMS), (chosen.formats, FORMATS)):
        if unknown := [name for name in given if name not in known]:
            parser.error(f"there is no {', '.join(unknown)}")
    if not Path("/proc/self/fd").exists():
        parser.error("this needs Linux")
    if set(chosen.formats) != {"wav"} and shutil.which("ffmpeg") is None:
        parser.error("formats other than wav need ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        models = chosen.models or work / "models"
        if chosen.models is None and "htdemucs" in chosen.engines:
            build(models, FULL_SIZE)
        bench = Bench(models.absolute(), work, chosen.times, chosen.settle)
        show(asyncio.run(measure(chosen, bench, work)), as_json=chosen.json)


if __name__ == "__main__":
    main()
