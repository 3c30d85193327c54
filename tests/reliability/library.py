"""A library of many songs, simulated: `python -m tests.reliability.library --songs 100000 --kills 10 --seed 1`.

The songs have a byte or none and take no time, and one in fifty fails; folders, claims, records, manifests and the list
of failures are real. A process does them, and is killed with SIGKILL at random moments. Counted are songs that are
missing, done twice or half, the memory of the last run at 10 %, 50 % and 100 % of its songs, and the time of a further
run, which finds everything done. The figures go to build/reliability/library.json.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from bridge.library.survey import Counts
from tests.support.library import RecordingReport, make_songs, run_library
from tests.support.simulated_computer import SimulatedComputer

RESULTS = Path("build") / "reliability" / "library.json"
FAILING = 0.02
SEED_OF_FAILURES = 7
#: A child tells of its songs in such steps, so that it can be killed between any two of them.
TOLD_EVERY = 10


@dataclass
class Figures:
    """What came of a library."""

    songs: int
    kills: int = 0
    done: int = 0
    failed: int = 0
    missing: int = 0
    """Songs with neither results nor a row in `failed.csv`."""
    twice: int = 0
    """Songs with two folders of results, or that were done again although they were done."""
    partial: int = 0
    """Temporary files, claims, records of unfinished jobs, and results without their size."""
    memory_mb: dict[str, float] = field(default_factory=dict)
    """Resident memory when so many percent of the songs of an undisturbed run were over."""
    run_seconds: float = 0.0
    """That run."""
    restart_seconds: float = 0.0
    """A run that finds everything done."""
    restart_processor_seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        return not (self.missing or self.twice or self.partial) and self.done + self.failed == self.songs


class TellingReport(RecordingReport):
    """Keeps nothing; prints how many songs are over, and the memory at some of them."""

    def __init__(self) -> None:
        super().__init__()
        self._to_do = 0
        self._over = 0
        self._process = psutil.Process()

    def surveyed(self, counts: Counts) -> None:
        self._to_do = counts.to_do
        print(json.dumps({"to_do": counts.to_do}), flush=True)

    def song_done(self, *_: object) -> None:
        self._tell()

    def song_failed(self, *_: object) -> None:
        self._tell()

    def progress(self, *_: object) -> None: ...

    def _tell(self) -> None:
        self._over += 1
        line: dict[str, object] = {"over": self._over}
        for percent in (10, 50, 100):
            if self._over == self._to_do * percent // 100:
                line |= {"percent": percent, "rss_mb": round(self._process.memory_info().rss / 1e6, 1)}
        if self._over % TOLD_EVERY == 0 or len(line) > 1:
            print(json.dumps(line), flush=True)


async def child(folder: Path) -> None:
    """Does the library in `folder`."""
    computer = SimulatedComputer(SEED_OF_FAILURES, failing=FAILING, computed=folder / "computed")
    await run_library([folder / "music"], folder / "out", computer, TellingReport())
    print(json.dumps({"processor_seconds": time.process_time()}), flush=True)


def run_child(folder: Path, kill_after: int | None = None) -> list[dict[str, float]]:
    """Runs a child to its end, or kills it when it has told of so many songs; returns what it has told."""
    command = [sys.executable, "-m", "tests.reliability.library", "--child", str(folder)]
    told: list[dict[str, float]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            told.append(json.loads(line))
            if kill_after is not None and told[-1].get("over", 0) >= kill_after:
                process.send_signal(signal.SIGKILL)
                kill_after = None
    assert process.returncode in (0, -signal.SIGKILL), told[-1:]
    return told


def simulate(folder: Path, songs: int, kills: int, seed: int) -> Figures:
    """Makes a library and does it; kills so often at random moments, then lets it end, then says it again."""
    chance = random.Random(seed)
    figures = Figures(songs)
    make_songs(folder / "music", songs)
    for _ in range(kills):
        told = run_child(folder, kill_after=chance.randrange(TOLD_EVERY, max(TOLD_EVERY + 1, songs // (kills + 1))))
        figures.kills += "processor_seconds" not in told[-1]
    began = time.monotonic()
    told = run_child(folder)
    figures.run_seconds = round(time.monotonic() - began, 1)
    figures.memory_mb = {f"{line['percent']} %": line["rss_mb"] for line in told if "percent" in line}
    began = time.monotonic()
    told = run_child(folder)
    figures.restart_seconds = round(time.monotonic() - began, 1)
    figures.restart_processor_seconds = round(told[-1]["processor_seconds"], 1)
    check(folder, figures)
    return figures


def check(folder: Path, figures: Figures) -> None:
    """Counts what lies there."""
    failed = set()
    table = folder / "out" / "failed.csv"
    if table.exists():
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = [row[0] for row in [*csv.reader(file)][1:]]
        failed = {*rows}
        figures.twice += len(rows) - len(failed)
    done = set()
    for folder_name, _, files in os.walk(folder / "out"):
        here = Path(folder_name)
        figures.twice += bool(re.fullmatch(r"song \d+ \d+", here.name))
        figures.partial += sum(name.endswith((".partial", ".claim", ".unfinished.json")) for name in files)
        for name in files:
            if name.endswith(".sab.json"):
                done.add(json.loads((here / name).read_bytes())["source"]["path"])
                sizes = sorted((here / wav).stat().st_size for wav in files if wav.endswith(".wav"))
                figures.partial += sizes != [0, 0, 0, 1024]
    times = Counter((folder / "computed").read_text(encoding="utf-8").splitlines())
    figures.twice += sum(count > 1 for count in times.values())
    figures.done, figures.failed = len(done), len(failed - done)
    known = done | failed
    songs = (os.path.join(here, name) for here, _, names in os.walk(folder / "music") for name in names)  # noqa: PTH118
    figures.missing = sum(song not in known for song in songs)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the library is made; a temporary folder if left out")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        asyncio.run(child(given.child))
        return 0
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        figures = simulate(Path(folder), given.songs, given.kills, given.seed)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(asdict(figures), indent=2), encoding="utf-8")
    print(json.dumps(asdict(figures), indent=2))
    return 0 if figures.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
