"""How quickly the screen answers, and what it costs: `sab` on a pseudo-terminal, at its busiest.

    python -m benchmarks.tui                    # this version
    python -m benchmarks.tui --before 7e9ac2e   # this one and another, in turns
    python -m benchmarks.tui --rounds 5 --json
    python -m benchmarks.tui --beside           # beside a program that takes all of a core, too

The history has 5000 finished jobs. While keys are measured, the worker separates a long song with all cores, and 50
events of progress a second reach the screen.

start       from the start of the process until the screen has drawn its frame
key         from an arrow key until the row's details are on the screen
bytes       that an arrow key costs while nothing else moves
cpu         of the main process under load
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from benchmarks.quality.metres import peer_folder
from benchmarks.report import Figure, Row, show
from benchmarks.speed.busy_bridge import song_of_noise
from benchmarks.speed.load import history_of
from benchmarks.speed.pseudo_terminal import PseudoTerminal, on_terminal
from bridge.osc.client import open_client

HISTORY, EVENTS_PER_SECOND, KEYS = 5000, 50, 300
SONG_SECONDS = 1200.0
#: An import of the history, or a worker that loads its libraries, takes no longer.
START_SECONDS = 120.0
KEY_SECONDS, STILL_SECONDS, CPU_SECONDS = 10.0, 1.0, 6.0
DOWN = b"\x1b[B"
HERE = Path(__file__).parents[2]
#: The real program, and progress of each job that has started, as many events a second as a busy machine may send.
_PROGRAM = f"""
import asyncio, sys
from bridge.bus import EventBus
from bridge.events import Progressed, Started

publish, telling = EventBus.publish, set()

async def tell(bus, job):
    for number in range(1_000_000):
        await asyncio.sleep(1 / {EVENTS_PER_SECOND})
        publish(bus, Progressed(job=job, stage="separating", fraction=number / 100_000, eta_seconds=number % 60 + 1))

def published(bus, event):
    publish(bus, event)
    if isinstance(event, Started) and not telling:
        telling.add(asyncio.get_running_loop().create_task(tell(bus, event.job)))

EventBus.publish = published
from bridge.cli import main
main()
"""


@dataclass
class Measured:
    """The values of all rounds of one version, each the round's median but for the p95."""

    start_seconds: list[float] = field(default_factory=list)
    key_ms: list[float] = field(default_factory=list)
    key_p95_ms: list[float] = field(default_factory=list)
    key_bytes: list[float] = field(default_factory=list)
    cpu_percent: list[float] = field(default_factory=list)

    def rows(self, version: str) -> list[Row]:
        return [
            Figure(f"{version}: start to first paint", "s", self.start_seconds, "≤ 0.8 s"),
            Figure(f"{version}: arrow key to repaint, p50", "ms", self.key_ms, "≤ 50 ms"),
            Figure(f"{version}: arrow key to repaint, p95", "ms", self.key_p95_ms, "≤ 50 ms"),
            Figure(f"{version}: an arrow key in a still screen", "bytes", self.key_bytes, "≤ 2000"),
            Figure(f"{version}: main process under load", "% of a core", self.cpu_percent, "≤ 25 %"),
        ]


def measure(version: Path, measured: Measured, *, beside: bool = False) -> None:
    """One round of the program in that folder, with folders of its own; `beside` another one that takes a core."""
    with tempfile.TemporaryDirectory(prefix="sab-screen-") as name:
        folder, port = Path(name), _free_port()
        write_history(folder / "state" / "jobs")
        with screen_of(version, folder, port) as screen:  # imports the history
            screen.until(lambda text: text.count(_take(0)) == 2, START_SECONDS)
        with screen_of(version, folder, port) as screen:
            measured.start_seconds.append(screen.until(lambda text: "Jobs" in text, START_SECONDS))
            screen.until(lambda text: text.count(_take(0)) == 2, START_SECONDS)
            screen.until_still(STILL_SECONDS)
            measured.key_bytes.append(median(_bytes_of_key(screen, number) for number in range(1, 11)))
            song = song_of_noise(folder / "song.wav", SONG_SECONDS)
            with _burning() if beside else contextlib.nullcontext():
                asyncio.run(_submit(port, song))
                screen.until(lambda text: "separating" in text, START_SECONDS)
                began, used = time.perf_counter(), _cpu_seconds(screen.process.pid)
                while time.perf_counter() < began + CPU_SECONDS:
                    screen.read(0.1)
                used = _cpu_seconds(screen.process.pid) - used
                measured.cpu_percent.append(100 * used / (time.perf_counter() - began))
                key_ms = [_key_ms(screen, number) for number in range(11, 11 + KEYS)]
                measured.key_ms.append(median(key_ms))
                measured.key_p95_ms.append(quantiles(key_ms, n=20)[-1])


def write_history(folder: Path) -> None:
    """Finished jobs as bridges before the database kept them; the newest one is the first take."""
    folder.mkdir(parents=True)
    for number in range(HISTORY):
        events = history_of(f"job{number:05d}".translate(str.maketrans("0123456789", "abcdefghij")), HISTORY - number)
        events[0]["name"] = _take(number)
        (folder / f"{events[0]['job']}.jsonl").write_text("".join(f"{json.dumps(event)}\n" for event in events))


def screen_of(version: Path, folder: Path, port: int) -> contextlib.AbstractContextManager[PseudoTerminal]:
    """`sab` of that version, with folders of its own and no MIDI ports."""
    places = {"SAB_CONFIG": str(folder / "config.toml"), "SAB_CACHE_DIR": str(folder / "cache")}
    (folder / "config.toml").touch()
    options = ["--no-midi", "--port", str(port), "--state-dir", str(folder / "state"), "--engine", "draft"]
    return on_terminal([sys.executable, "-c", _PROGRAM, *options], version, places)


def _take(number: int) -> str:
    return f"take {number:05d}"


def _bytes_of_key(screen: PseudoTerminal, number: int) -> int:
    before = screen.received
    _key_ms(screen, number)
    screen.until_still(0.3)
    return screen.received - before


def _key_ms(screen: PseudoTerminal, number: int) -> float:
    """Milliseconds until a take that an arrow key selects stands in the table and in the details."""
    screen.press(DOWN)
    return 1000 * screen.until(lambda text: text.count(_take(number)) == 2, KEY_SECONDS)


async def _submit(port: int, song: Path) -> None:
    async with open_client("127.0.0.1", port) as client:
        await client.ask("/sab/hello", "benchmark", 1)
        await client.ask("/sab/submit", str(song), "out", str(song.parent / "out"), "midi", "none", answer_seconds=30)


@contextlib.contextmanager
def _burning() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _cpu_seconds(process: int) -> float:
    """Of all threads of a process, from its start."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--before", metavar="REV", help="another version, measured in turns with this one")
    parser.add_argument("--beside", action="store_true", help="measure beside a program that takes all of a core")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours, theirs = Measured(), Measured()
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(peer_folder(options.before)) if options.before else None
        if options.before and before is None:
            parser.error(f"git has no version {options.before}")
        for _ in range(options.rounds):
            if before is not None:
                measure(before, theirs, beside=options.beside)
            measure(HERE, ours, beside=options.beside)
    rows = [*(theirs.rows(options.before) if before is not None else []), *ours.rows("now")]
    show(rows, as_json=options.json)


if __name__ == "__main__":
    main()
