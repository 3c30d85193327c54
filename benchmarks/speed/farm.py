"""Two machines of one core each against one, in turns: `python -m benchmarks.speed.farm [--songs 16] [--rounds 3]`.

The machines are workers of a real farm on this computer, each held to a core with `taskset`, with caches off.
Scheduler and client share these cores, so a computer with more than two is kinder. Measure when nothing else runs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bridge.farm.client import FarmComputer
from tests.reliability.farm import Tally, compute_all, make_songs
from tests.support.farm import Farm, until

NAMES = ("one", "two")


async def seconds_for(farm: Farm, machines: int, songs: Sequence[Path], warm_up: Path) -> float:
    """How long that many machines take for the songs, from the first that is given to the last that is told of."""
    farm.start_scheduler()
    for name in NAMES[:machines]:
        farm.start_worker(name)
    computer = await farm.open()
    try:
        await until(computer, lambda: len(computer.state().machines) == machines)
        await _compute(computer, [warm_up.with_stem(f"warm up {number}") for number in range(2 * machines)])
        began = time.monotonic()
        await _compute(computer, songs)
        return time.monotonic() - began
    finally:
        await computer.close()
        farm.stop()
        shutil.rmtree(farm.music / "stems", ignore_errors=True)


async def _compute(computer: FarmComputer, songs: Sequence[Path]) -> None:
    tally = Tally()
    await compute_all(computer, songs, tally)
    assert tally.outcomes["done"] == len(songs), tally.outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a song")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    assert len(cores) >= 2, "this needs two cores"
    held = {name: ("taskset", "-c", str(core)) for name, core in zip(NAMES, cores, strict=False)}
    print(f"load before: {os.getloadavg()[0]:.2f}, cores: {len(cores)}")
    ratios = []
    folder = Path(tempfile.mkdtemp(prefix="sab-farm-"))
    try:
        with Farm(folder, before=held, environment={"SAB_CACHE_MAX_GB": "0"}) as farm:
            songs = make_songs(farm.music, options.songs, options.seconds, options.seconds)
            for number in range(2 * len(NAMES)):
                shutil.copy(songs[0], songs[0].with_stem(f"warm up {number}"))
            for _ in range(options.rounds):
                one, two = [asyncio.run(seconds_for(farm, machines, songs, songs[0])) for machines in (1, 2)]
                ratios.append(one / two)
                print(f"one machine {one:.1f} s, two {two:.1f} s: {one / two:.2f}, load {os.getloadavg()[0]:.2f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"two machines against one: {statistics.median(ratios):.2f} (median of {len(ratios)})")


if __name__ == "__main__":
    main()
