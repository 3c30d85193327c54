"""A farm under fire: a worker killed, one that joins late, the scheduler killed and started again.

`python -m tests.reliability.farm --songs 200` says how many results there are, and what is wrong with them. As root on
Linux, `--namespaces` gives each worker a network of its own. With `--carried` the workers share no folder: clips are
sent to them, and results come back.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import soundfile

from bridge.errors import BridgeError
from bridge.events import Ended, Requeued
from bridge.farm.client import FarmComputer
from bridge.pipeline.manifest import decode_manifest
from bridge.request import EngineChoice, JobRequest
from tests.reliability.output_files import left_over
from tests.support.farm import LOOPBACK, Farm, until
from tests.support.namespaces import GATEWAY, can_have_namespaces, namespaces
from tests.support.sounds import music, write

RATE = 44_100
#: The workers: the first is killed, the third joins late.
NAMES = ("one", "two", "three")
#: At which share of the songs something happens.
JOINS, WORKER_DIES, SCHEDULER_DIES = 0.15, 0.3, 0.6
#: How long the farm is without a scheduler.
PAUSE_SECONDS = 1.5
PATIENCE_SECONDS = 60.0


class Outcome(NamedTuple):
    """What came of it."""

    outcomes: Counter[str]
    faults: tuple[str, ...]
    again: int
    """How many songs were begun again elsewhere."""
    seconds: float


def make_songs(folder: Path, count: int, shortest_seconds: float, longest_seconds: float) -> list[Path]:
    """Clips of different lengths and levels."""
    songs = []
    for number in range(count):
        seconds = shortest_seconds + (longest_seconds - shortest_seconds) * (number * 7 % 10) / 9
        songs.append(write(folder / f"song {number:03}.wav", music(seconds) * (0.5 + number / (2 * count)), RATE))
    return songs


def request_of(song: Path) -> JobRequest:
    return JobRequest(source=str(song), engine=EngineChoice(name="draft"))


async def compute_all(farm: FarmComputer, songs: Sequence[Path], outcome: Tally) -> None:
    """Gives the farm as many songs at once as it takes."""
    waiting, running = [*songs], set[asyncio.Task[None]]()
    while waiting or running:
        while waiting and len(running) < farm.slots:
            song = waiting.pop(0)
            running.add(asyncio.create_task(outcome.of(farm, song)))
        _, running = await asyncio.wait(running, timeout=0.2) if running else await _moment()


async def _moment() -> tuple[set[asyncio.Task[None]], set[asyncio.Task[None]]]:
    await asyncio.sleep(0.05)
    return set(), set()


class Tally:
    """The ends of the songs, as they come."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.again = 0

    async def of(self, farm: FarmComputer, song: Path) -> None:
        def on_event(event: object) -> None:
            self.again += isinstance(event, Requeued)

        try:
            ended: Ended = await farm.compute(f"job{song.stem[-3:]}", request_of(song), on_event)
        except BridgeError as error:
            self.outcomes[f"{song.stem}: {error}"] += 1
            return
        self.outcomes["done" if ended.outcome == "done" else f"{song.stem}: {ended.failure}"] += 1


async def survive(
    farm: Farm, songs: Sequence[Path], hosts: Sequence[str] = (LOOPBACK,) * 3, *, shares: bool = True
) -> Outcome:
    """Computes the songs while machines die, join and come back; `shares`: they have the folder of the songs."""
    counted, began = Tally(), time.monotonic()
    farm.start_scheduler()
    for name, host in zip(NAMES[:2], hosts, strict=False):
        farm.start_worker(name, host=host, shares=shares)
    computer = await farm.open(patience_seconds=PATIENCE_SECONDS)
    try:
        await until(computer, lambda: len(computer.state().machines) == 2)
        computing = asyncio.create_task(compute_all(computer, songs, counted))

        async def share(of_all: float) -> None:
            await until(computer, lambda: counted.outcomes.total() >= of_all * len(songs), seconds=1200)

        await share(JOINS)
        farm.start_worker(NAMES[2], host=hosts[2], shares=shares)
        await share(WORKER_DIES)
        farm.kill(NAMES[0])
        await share(SCHEDULER_DIES)
        farm.kill("scheduler")
        await asyncio.sleep(PAUSE_SECONDS)
        farm.start_scheduler()
        await computing
    finally:
        await computer.close()
    faults = tuple(_faults(farm.music, songs))
    return Outcome(counted.outcomes, faults, counted.again, time.monotonic() - began)


def _faults(folder: Path, songs: Sequence[Path]) -> Iterator[str]:
    """What is wrong with the results: twice, partial, missing, or left over."""
    stems = folder / "stems"
    expected = {song.stem for song in songs}
    found = {path.name for path in stems.iterdir()}
    yield from (f"{name} has no results" for name in sorted(expected - found))
    yield from (f"a second result: {name}" for name in sorted(found - expected))
    for song in songs:
        own = stems / song.stem
        if own.is_dir():
            yield from (f"{song.stem}: {fault}" for fault in _song_faults(own, song))


def _song_faults(own: Path, song: Path) -> Iterator[str]:
    manifest = own / f"{song.stem}.sab.json"
    if not manifest.is_file():
        yield "no manifest"
        return
    files = [own / result.file for result in decode_manifest(manifest.read_bytes()).results]
    yield from left_over(own, files, ())
    if any(path.name.endswith(".unfinished.json") for path in own.iterdir()):
        yield "a record of an unfinished run"
    frames = soundfile.info(str(song)).frames
    stems = [path for path in files if path.suffix == ".wav"]
    if len(stems) != 4:
        yield f"{len(stems)} stems"
    for path in stems:
        if not path.is_file() or soundfile.info(str(path)).frames != frames:
            yield f"{path.name} is partial"


def attack(
    folder: Path,
    songs: int,
    shortest_seconds: float,
    longest_seconds: float,
    networks: ExitStack | None,
    *,
    shares: bool,
) -> int:
    """Runs it once and prints what came of it; returns the exit status.

    Args:
        networks: what removes the workers' own networks; None: all share one.
    """
    spaces = [] if networks is None else networks.enter_context(namespaces(NAMES))
    before = {name: space.enter for name, space in zip(NAMES, spaces, strict=False)}
    hosts = [space.address for space in spaces] or [LOOPBACK] * len(NAMES)
    with Farm(folder, host=GATEWAY if spaces else LOOPBACK, before=before) as farm:
        clips = make_songs(farm.music, songs, shortest_seconds, longest_seconds)
        outcome = asyncio.run(survive(farm, clips, hosts, shares=shares))
        done = outcome.outcomes["done"]
        print(
            f"{done} of {songs} done in {outcome.seconds:.0f} s, begun again: {outcome.again}, {len(spaces)} networks"
        )
        for line in (*(word for word in outcome.outcomes if word != "done"), *outcome.faults):
            print(line)
        if not outcome.faults and done == songs:
            return 0
        for name in ("scheduler", *NAMES):
            print(f"--- {name}\n{farm.log(name)[-3000:]}")
        return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=200)
    parser.add_argument("--shortest", type=float, default=0.5, help="seconds")
    parser.add_argument("--longest", type=float, default=2.0, help="seconds")
    parser.add_argument("--namespaces", action="store_true", help="each worker in a network of its own (root, Linux)")
    parser.add_argument("--carried", action="store_true", help="the workers share no folder")
    options = parser.parse_args()
    if options.namespaces and not can_have_namespaces():
        parser.error("--namespaces needs root, Linux and the command ip")
    folder = Path(tempfile.mkdtemp(prefix="sab-farm-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        networks = stack if options.namespaces else None
        return attack(folder, options.songs, options.shortest, options.longest, networks, shares=not options.carried)


if __name__ == "__main__":
    sys.exit(main())
