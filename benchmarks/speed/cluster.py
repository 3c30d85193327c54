"""What the farm costs a DAW's job: `python -m benchmarks.speed.cluster [--seconds 180] [--rounds 3] [--engine draft]`.

One clip, in turns: on this machine's own worker; on a farm's machine that shares the folder; on one that shares
nothing, to which the clip goes in chunks each time, and from which the results come back. All are processes of this
computer with one thread each and caches off: the difference is what passing on and carrying cost. Measure when nothing
else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from msgspec.structs import replace

from bridge.protocols.computing import JobComputer
from bridge.request import JobRequest
from bridge.worker.local_computer import LocalComputer
from tests.support.farm import Farm, until
from tests.support.requests import request_for
from tests.support.sounds import music, write

WAYS = ("here", "shared", "carried")


async def seconds_for(computer: JobComputer, request: JobRequest, job: str) -> float:
    """How long a job takes, from its submission to its end; its results go."""
    folder = Path(request.place.folder or "")
    began = time.monotonic()
    end = await computer.compute(job, request, lambda _: None)
    took = time.monotonic() - began
    assert end.outcome == "done", end.failure
    await asyncio.to_thread(shutil.rmtree, folder)
    return took


async def measure(farm: Farm, clip: Path, rounds: int, job_options: dict[str, object]) -> dict[str, list[float]]:
    """Seconds of each round by way; the ways take turns, and each computes once before."""
    settings = replace(farm.settings, cache_max_gb=0.0)
    found: dict[str, list[float]] = {way: [] for way in WAYS}

    async def opened(way: str) -> JobComputer:
        if way == "here":
            return await LocalComputer.open(settings)
        farm.start_scheduler()
        farm.start_worker("machine", shares=way == "shared")
        computer = await farm.open()
        await until(computer, lambda: len(computer.state().machines) == 1)
        return computer

    for number in range(rounds):
        for way in WAYS:
            computer = await opened(way)
            try:
                for turn in range(2):  # the first one loads models and libraries
                    name = f"{way}{number}{turn}"
                    for sent in clip.parent.parent.glob("machine/scratch/carried/clips/*"):
                        sent.unlink()  # it is sent again
                    request = request_for(clip, out=str(farm.music / name), name=name, **job_options)
                    took = await seconds_for(computer, request, name)
                found[way].append(took)
            finally:
                await computer.close()
                farm.stop()
            print(f"{way}: {took:.2f} s, load {os.getloadavg()[0]:.1f}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0, help="length of the clip")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--engine", default="draft")
    parser.add_argument("--no-notes", action="store_true", help="separate only: the carried bytes weigh more")
    options = parser.parse_args()
    job_options: dict[str, object] = {"engine": options.engine, **({"midi": ()} if options.no_notes else {})}
    os.environ["OMP_NUM_THREADS"] = "1"
    folder = Path(tempfile.mkdtemp(prefix="sab-cluster-"))
    try:
        with Farm(folder, environment={"SAB_CACHE_MAX_GB": "0"}) as farm:
            clip = write(farm.music / "clip.wav", music(options.seconds))
            found = asyncio.run(measure(farm, clip, options.rounds, job_options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    medians = {way: statistics.median(times) for way, times in found.items()}
    here = medians["here"]
    print(", ".join(f"{way} {medians[way]:.2f} s ({medians[way] / here:.2f})" for way in WAYS))


if __name__ == "__main__":
    main()
