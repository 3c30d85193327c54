"""Separation speed, compared with the tools that people use today; the runs of a pair alternate on one machine.

    python -m benchmarks.speed.separation [--rows clip,minute,start,whole,matmul,cache,embedded] [--times 3] [--json]

Without `--models` it uses a model of the released size with random weights, which is as fast as the trained one. A warm
server has completed a job and has been idle since.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import peers
from benchmarks.report import Comparison, Figure, Row, in_turns, show, timed
from benchmarks.speed import bridge_runs, matmul
from tools.full_size_model import FULL_SIZE, build

RATE_HZ = 44100
CLIP_SECONDS = 7.5
MINUTE_SECONDS = 60.0
#: After this idle time a server has finished preparing for the next job.
SETTLE_SECONDS = 60.0


class Bench:
    """The model, the clips, and new output folders."""

    def __init__(self, models: Path, work: Path, times: int, settle_seconds: float) -> None:
        self.models = models
        self.times = times
        self._work = work
        self._settle_seconds = settle_seconds
        self._numbers = itertools.count(1)

    def clip(self, seconds: float) -> Path:
        """The demo's music, repeated to fill `seconds`."""
        path = self._work / f"clip-{seconds:g}.wav"
        if not path.exists():
            with as_file(files("bridge.demo") / "clip.ogg") as source:
                samples, rate = soundfile.read(source, dtype="float32", always_2d=True)
            assert rate == RATE_HZ
            frames = int(seconds * RATE_HZ)
            soundfile.write(path, np.resize(samples, (frames, samples.shape[1])), RATE_HZ, subtype="PCM_16")
        return path

    def folder(self) -> Path:
        """A new output folder."""
        return self._work / f"out-{next(self._numbers)}"

    @contextmanager
    def warm(self, seconds: float, *options: str) -> Iterator[Callable[[], float]]:
        """A warm server, as a function that submits a clip and returns the seconds it took."""
        source = self.clip(seconds)
        loop = asyncio.new_event_loop()
        opened = bridge_runs.server(self.models)
        client = loop.run_until_complete(opened.__aenter__())
        try:

            def submit() -> float:
                return loop.run_until_complete(bridge_runs.submit(client, source, self.folder(), *options))

            submit()
            loop.run_until_complete(asyncio.sleep(self._settle_seconds))
            submit()
            yield submit
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
            loop.close()


def clip(bench: Bench) -> list[Row]:
    """A short clip, stems only, on a warm server."""
    with bench.warm(CLIP_SECONDS, "midi", "none") as submit:
        source = bench.clip(CLIP_SECONDS)
        pair = in_turns(submit, lambda: timed(lambda: peers.demucs(bench.models, source, bench.folder())), bench.times)
    return [Comparison("clip of 7.5 s, warm server", "demucs", *pair, target=4)]


def minute(bench: Bench) -> list[Row]:
    """A minute: throughput with both models loaded, and both tools as cold commands."""
    source = bench.clip(MINUTE_SECONDS)
    with bench.warm(MINUTE_SECONDS, "midi", "none") as submit:
        loaded = in_turns(submit, lambda: peers.demucs_loaded_seconds(bench.models, source), bench.times)
    cold = in_turns(
        lambda: timed(lambda: bridge_runs.command(bench.models, source, bench.folder(), "--midi", "none")),
        lambda: timed(lambda: peers.demucs(bench.models, source, bench.folder())),
        bench.times,
    )
    return [
        Comparison("60 s, warm server", "demucs' separation alone, model loaded", *loaded, target=1.6),
        Comparison("60 s, cold command", "demucs", *cold, target=1.3),
    ]


def whole(bench: Bench) -> list[Row]:
    """A short clip, stems and MIDI files."""
    source = bench.clip(CLIP_SECONDS)

    def peer() -> None:
        out = bench.folder()
        peers.basic_pitch(peers.demucs(bench.models, source, out), out / "midi")

    with bench.warm(CLIP_SECONDS) as submit:
        pair = in_turns(submit, lambda: timed(peer), bench.times)
    return [Comparison("7.5 s to stems and notes, warm server", "demucs, then basic-pitch", *pair, target=5)]


def start(bench: Bench) -> list[Row]:
    """From the start of a worker process until it can accept a job."""
    seconds = [asyncio.run(bridge_runs.worker_start_seconds(bench.models)) for _ in range(bench.times)]
    return [Figure("start of a worker until ready", "s", seconds, "≤ 4")]


def cache(bench: Bench) -> list[Row]:
    """The same clip again, from request to completion: in the same output folder, and in a new one."""

    async def measure(seconds: float, *options: str) -> tuple[float, list[float], list[float]]:
        source, first = bench.clip(seconds), bench.folder()
        async with bridge_runs.server(bench.models, *options, cache=bench.folder()) as client:
            work = await bridge_runs.submit(client, source, first)
            same = [await bridge_runs.submit(client, source, first) for _ in range(bench.times)]
            other = [await bridge_runs.submit(client, source, bench.folder()) for _ in range(bench.times)]
        return work, same, other

    rows: list[Row] = []
    for seconds, engine in ((CLIP_SECONDS, "draft"), (MINUTE_SECONDS, "draft"), (CLIP_SECONDS, "htdemucs")):
        work, same, other = asyncio.run(measure(seconds, "--engine", engine))
        name = f"{seconds:g} s to stems and notes again, {engine}"
        rows.append(Figure(f"{name}, same folder", "s", same, "≤ 0.2", {"first time": work}))
        rows.append(Figure(f"{name}, new folder", "s", other, "≤ 0.2", {"first time": work}))
    return rows


def embedded(bench: Bench) -> list[Row]:
    """The engine that comes along: warm beside `draft`, and the first job of a new process."""
    with (
        bench.warm(MINUTE_SECONDS, "midi", "none", "engine", "good") as good,
        bench.warm(MINUTE_SECONDS, "midi", "none", "engine", "draft") as draft,
    ):
        pair = in_turns(good, draft, bench.times)
    speeds = [MINUTE_SECONDS / seconds for seconds in pair[0]]

    def first_job() -> float:
        source, options = bench.clip(CLIP_SECONDS), ("--engine", "good", "--midi", "none")
        return timed(lambda: bridge_runs.command(bench.models, source, bench.folder(), *options))

    return [
        Comparison("60 s by good, warm server", "draft", *pair, target=0.5),
        Figure("60 s by good, warm server", "× real time", speeds, "≥ 10"),
        Figure("7.5 s by good, command from cold", "s", [first_job() for _ in range(bench.times)], "≤ 5"),
    ]


def matmul_share(bench: Bench) -> list[Row]:
    """One window's share of the machine's matrix-product speed."""
    return matmul.shares(bench.models, bench.times)


ROWS: dict[str, Callable[[Bench], list[Row]]] = {
    "clip": clip,
    "minute": minute,
    "start": start,
    "whole": whole,
    "matmul": matmul_share,
    "cache": cache,
    "embedded": embedded,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default=",".join(ROWS), help=f"some of {', '.join(ROWS)}")
    parser.add_argument("--times", type=int, default=3, help="runs of each tool")
    parser.add_argument("--models", type=Path, help="folder with htdemucs.yaml and its checkpoint")
    parser.add_argument("--settle", type=float, default=SETTLE_SECONDS, help="idle seconds after a server's first job")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    names = chosen.rows.split(",")
    if unknown := [name for name in names if name not in ROWS]:
        parser.error(f"there is no row {', '.join(unknown)}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        models = chosen.models or work / "models"
        if chosen.models is None:
            build(models, FULL_SIZE)
        bench = Bench(models.absolute(), work, chosen.times, chosen.settle)
        show([row for name in names for row in ROWS[name](bench)], as_json=chosen.json)


if __name__ == "__main__":
    main()
