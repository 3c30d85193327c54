"""Memory use of the worker: `python -m benchmarks.speed.memory [--minutes 1 10 60] [--jobs 200] [--json]`.

Each length is measured in a separate process: one job on a stereo file at 48 kHz and 24 bits. Anonymous memory is the
worker's own data; the peak of the resident set also includes the code of the libraries. Another process then runs many
jobs on a short clip, which shows whether a worker that runs for weeks would grow. Linux only: the figures come from
/proc.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from bridge.events import JobEvent, LiveNotes
from bridge.pipeline.context import WorkerContext
from bridge.pipeline.job import run_job
from bridge.pipeline.stage_paces import StagePaces
from bridge.request import LIVE, EngineChoice, JobRequest, OutputPlace, PlayRequest, StemChoice
from bridge.separation.families.table import EngineFamilies
from bridge.separation.registry import EngineRegistry
from bridge.system.clock import SystemClock
from bridge.transcription.registry import TranscriberRegistry
from bridge.worker.allocator import environment, glibc_version
from tools.full_size_model import FULL_SIZE, SMALL, TINY, build

RATE_HZ = 48_000
SHORT_CLIP_MINUTES = 3 / 60
SAMPLING_SECONDS = 0.02
#: Jobs before growth is measured: libraries load on first use, and allocators reach their steady state.
WARM_UP_JOBS = 20
MEGABYTE = 1_000_000
#: Additional values of `--engine`: htdemucs with random weights, in full size, small with the same windows, and tiny.
RANDOM_MODELS = {"full": FULL_SIZE, "small": SMALL, "tiny": TINY}


@dataclass(frozen=True)
class Peak:
    """Peak memory of one job."""

    minutes: float
    seconds: float
    """Duration of the job."""
    start_mb: float
    """Anonymous memory before the job."""
    anonymous_mb: float
    """Peak anonymous memory during the job."""
    resident_mb: float
    """Peak resident memory, including code and mapped files."""


@dataclass(frozen=True)
class Growth:
    """Growth of memory over many consecutive jobs."""

    jobs: int
    first_mb: float
    """Anonymous memory after the warm-up."""
    last_mb: float
    growth_percent: float


class Job:
    """Runs the same job in this process, as the worker does; results are deleted."""

    def __init__(self, source: Path, engine: str, midi: bool, live: bool = False) -> None:
        clock = SystemClock()
        models = source.parent / "models"
        if engine in RANDOM_MODELS:
            build(models, RANDOM_MODELS[engine])
            engine = "htdemucs"
        engines = EngineRegistry(EngineFamilies.of(models), clock=clock)
        self._context = WorkerContext(
            engines=engines,
            transcribers=TranscriberRegistry(),
            clock=clock,
            max_seconds=1e6,
            paces=StagePaces(None, clock),
        )
        self._out = source.parent / "out"
        self._request = JobRequest(
            source=str(source),
            engine=EngineChoice(name=engine, device="cpu"),
            stems=StemChoice(midi="stems" if midi else ()),
            place=OutputPlace(folder=str(self._out)),
            play=PlayRequest(when_done=LIVE if live else False),
        )

    def run(self) -> None:
        run_job("job", self._request, self._context, _forget, threading.Event())
        shutil.rmtree(self._out)


def peak(minutes: float, engine: str, file_format: str, midi: bool, live: bool) -> Peak:
    """Runs one job on `minutes` of audio in this process."""
    with clip(minutes, file_format) as source:
        job = Job(source, engine, midi, live)
        start = anonymous_bytes()
        began = time.monotonic()
        with highest_anonymous() as highest:
            job.run()
        seconds = time.monotonic() - began
    return Peak(
        minutes,
        round(seconds, 1),
        round(start / MEGABYTE, 1),
        round(max(highest) / MEGABYTE, 1),
        round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE, 1),
    )


def growth(jobs: int, engine: str, midi: bool) -> Growth:
    """Runs the same short job repeatedly in this process."""
    with clip(SHORT_CLIP_MINUTES, "wav") as source:
        job = Job(source, engine, midi)
        first = 0
        for done in range(WARM_UP_JOBS + jobs):
            if done == WARM_UP_JOBS:
                first = anonymous_bytes()
            job.run()
        last = anonymous_bytes()
    percent = 100 * (last - first) / first
    return Growth(jobs, round(first / MEGABYTE, 1), round(last / MEGABYTE, 1), round(percent, 2))


@contextmanager
def clip(minutes: float, file_format: str) -> Iterator[Path]:
    """A stereo file of tones and noise, 24 bits."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"clip.{file_format}"
        random = np.random.default_rng(0)
        beat = np.arange(RATE_HZ) / RATE_HZ
        with soundfile.SoundFile(str(path), "w", RATE_HZ, 2, "PCM_24") as file:
            for second in range(round(minutes * 60)):
                pitch = 220 * 2 ** (second % 12 / 12)
                sound = 0.3 * np.sin(2 * np.pi * pitch * beat) * np.exp(-3 * beat)
                sound += 0.1 * random.standard_normal(RATE_HZ) * np.exp(-40 * (beat % 0.25))
                file.write(np.stack([sound, sound * 0.8], axis=1))
        yield path


@contextmanager
def highest_anonymous() -> Iterator[list[int]]:
    """Samples the anonymous memory during the block; yields a list with the maximum."""
    highest, stop = [anonymous_bytes()], threading.Event()

    def sample() -> None:
        while not stop.wait(SAMPLING_SECONDS):
            highest.append(max(highest.pop(), anonymous_bytes()))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield highest
    finally:
        stop.set()
        sampler.join()


def anonymous_bytes() -> int:
    """This process's memory that is not backed by a file."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("this kernel does not report RssAnon")


def _forget(event: JobEvent | LiveNotes) -> None:
    del event


def _in_subprocess(arguments: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.speed.memory", *arguments]
    variables = {**os.environ, **environment(glibc_version())}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=variables)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="*", default=[1, 10, 60])
    parser.add_argument("--jobs", type=int, default=200, help="0: none")
    parser.add_argument(
        "--engine", default="draft", help="draft, or full, small or tiny for an htdemucs with random weights"
    )
    parser.add_argument("--format", default="flac", help="wav or flac")
    parser.add_argument("--no-midi", action="store_true", help="separate only")
    parser.add_argument("--live", action="store_true", help="read the notes while it separates, as `play live` does")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", choices=["peak", "growth"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one == "peak":
        first = options.minutes[0]
        print(json.dumps(asdict(peak(first, options.engine, options.format, not options.no_midi, options.live))))
        return
    if options.one == "growth":
        print(json.dumps(asdict(growth(options.jobs, options.engine, not options.no_midi))))
        return
    shared = ["--engine", options.engine, "--format", options.format, *["--no-midi"] * options.no_midi]
    shared += ["--live"] * options.live
    peaks = [
        Peak(**_in_subprocess(["--one", "peak", "--minutes", str(minutes), *shared])) for minutes in options.minutes
    ]
    grown = None
    if options.jobs:
        grown = Growth(**_in_subprocess(["--one", "growth", "--jobs", str(options.jobs), *shared]))  # type: ignore[arg-type]
    if options.json:
        print(json.dumps({"peaks": [asdict(one) for one in peaks], "growth": grown and asdict(grown)}, indent=2))
        return
    for one in peaks:
        print(
            f"{one.minutes:5g} min: {one.seconds:7.1f} s, anonymous {one.start_mb:.0f} → {one.anonymous_mb:.0f} MB, "
            f"resident at most {one.resident_mb:.0f} MB"
        )
    if grown is not None:
        print(f"{grown.jobs} jobs: {grown.first_mb:.1f} → {grown.last_mb:.1f} MB ({grown.growth_percent:+.1f} %)")


if __name__ == "__main__":
    main()
