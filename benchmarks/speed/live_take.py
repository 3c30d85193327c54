"""A take that plays while its job separates: from `/sab/submit` to its first note-on at the port, and to its end.

    python -m benchmarks.speed.live_take [--engines draft,good,htdemucs] [--clips 15,60,600] [--times 5]
        [--whole] [--models FOLDER] [--json]

A warm server without a cache, on a JACK server of its own (jackd's dummy driver), gets the demo's music, repeated to
fill the clip. A reader on that server listens at all ports. Without `--whole` the job is cancelled at its first note.
With it, the take plays to its end, in real time; then it is told what was late, missed or starved, and the most memory
that the three processes held. Without `--models` it uses a model of the released size with random weights, which is as
fast as the trained one, and plays whatever notes come of it. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.report import Figure, Row, show
from benchmarks.speed import bridge_runs
from benchmarks.speed.separation import Bench
from bridge.events import Ended, Event, HorizonMoved, MidiDelayed, MidiEnded, MidiStarved
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.schedule import is_note_on
from bridge.osc.addresses import ACCEPTED
from bridge.osc.client import OscClient
from bridge.osc.fields import arguments_of, event_of
from tests.support.jack_server import JackServer, MidiReader, running_jack, why_no_jack
from tools.full_size_model import FULL_SIZE, build

#: Seconds until the first note-on.
AIMS = {"draft": 1.5, "good": 1.5, "htdemucs": 3.0}
P99_AIM_MS = 1.0
#: Looking more often would take a part of the cores that separate.
POLL_SECONDS = 0.01
PORTS_SECONDS = 30.0
LONGEST_SECONDS = 900.0


@dataclass
class Take:
    """What a client and a reader at the ports saw of one job."""

    first_note_seconds: float = 0.0
    separated_seconds: float = 0.0
    """When the job was done; 0: it was cancelled."""
    told: list[float] = field(default_factory=list)
    """In how many seconds the notes will start, if that was said."""
    horizons: list[tuple[float, float]] = field(default_factory=list)
    """Seconds from the request, and how far the notes were known."""
    starved: int = 0
    missed: int = 0
    p99_ms: float = 0.0
    worst_ms: float = 0.0
    note_ons: int = 0
    hanging: int = 0
    """Notes that sounded on when all was over."""


class LiveTakes:
    """Takes of one server."""

    def __init__(self, client: OscClient, reader: MidiReader) -> None:
        self._client = client
        self._reader = reader

    async def take(self, clip: Path, out: Path, *, whole: bool) -> Take:
        take = Take()
        received = len(self._reader.received)
        began = time.perf_counter()
        (accepted,) = await self._client.ask("/sab/submit", str(clip), "out", str(out), "play", "live")
        job = str(arguments_of(accepted, ACCEPTED)["job"])
        first = asyncio.create_task(self._first_note(received, began))
        watched = asyncio.create_task(self._watch(job, take, began))
        take.first_note_seconds = await first
        if not whole:
            await self._client.ask("/sab/cancel", job)
        await watched
        await asyncio.sleep(0.2)  # the last messages are at the port
        sent = [message.data for message in self._reader.received[received:]]
        take.note_ons = sum(map(is_note_on, sent))
        take.hanging = len(_sounding(sent))
        return take

    async def _first_note(self, received: int, began: float) -> float:
        deadline = began + LONGEST_SECONDS
        while not any(is_note_on(message.data) for message in self._reader.received[received:]):
            if time.perf_counter() > deadline:
                raise SystemExit("no note was played")
            await asyncio.sleep(POLL_SECONDS)
        return time.perf_counter() - began

    async def _watch(self, job: str, take: Take, began: float) -> None:
        """Until the job and all stems that played have ended."""
        is_over, stems = False, set(STEMS_OF_ALL)
        async for message in self._client.pushes():
            event = event_of(message)
            match event:
                case Ended(job=ended, outcome="failed", failure=failure) if ended == job:
                    raise SystemExit(f"the job failed: {failure}")
                case Ended(job=ended, outcome=outcome) if ended == job:
                    is_over = True
                    take.separated_seconds = time.perf_counter() - began if outcome == "done" else 0.0
                case MidiEnded(job=ended, stem=stem) if ended == job:
                    stems.discard(stem)
                case _:
                    pass
            _note(event, take, began)
            if is_over and not stems:
                return


#: The stems of every engine that is measured.
STEMS_OF_ALL = ("vocals", "drums", "bass", "other")


def _note(event: Event | None, take: Take, began: float) -> None:
    match event:
        case HorizonMoved(seconds=seconds):
            take.horizons.append((time.perf_counter() - began, seconds))
        case MidiDelayed(seconds=seconds):
            take.told.append(seconds)
        case MidiStarved():
            take.starved += 1
        case MidiEnded(lateness=lateness, missed=missed):
            take.missed += missed
            if lateness is not None:
                take.p99_ms = max(take.p99_ms, lateness.p99_ms)
                take.worst_ms = max(take.worst_ms, lateness.worst_ms)
        case _:
            pass


def _sounding(sent: Iterable[bytes]) -> set[tuple[int, int]]:
    """Channel and pitch of the notes that were begun and not ended."""
    sounding = set()
    for data in sent:
        note = (data[0] & 0x0F, data[1])
        if is_note_on(data):
            sounding.add(note)
        elif data[0] & 0xF0 in (0x80, 0x90):
            sounding.discard(note)
        elif data[0] & 0xF0 == 0xB0 and data[1] in (120, 123):
            sounding = {other for other in sounding if other[0] != note[0]}
    return sounding


async def _connect(reader: MidiReader) -> None:
    """Listens at all ports, once they are there."""
    deadline = time.perf_counter() + PORTS_SECONDS
    while len(reader.ports()) < len(PortLayout().port_names()):
        if time.perf_counter() > deadline:
            raise SystemExit("the server opened no ports")
        await asyncio.sleep(0.05)
    for port in reader.ports():
        reader.connect(port)


def memory_mb(jack: JackServer) -> dict[str, float]:
    """The most memory that each process of the bridge on that JACK server has held, in MB (Linux)."""
    setting = f"JACK_DEFAULT_SERVER={jack.name}".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or belongs to somebody else
            command = (process / "cmdline").read_bytes().split(b"\0")
            if setting not in (process / "environ").read_bytes().split(b"\0") or b"-m" not in command:
                continue
            name = command[command.index(b"-m") + 1].decode()
            peak = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM:"))
            found[f"{name} MB"] = int(peak.split()[1]) / 1024
    return found


async def measure(chosen: argparse.Namespace, bench: Bench, work: Path, jack: JackServer) -> list[Row]:
    rows: list[Row] = []
    numbers = itertools.count()
    for engine in chosen.engines:
        async with bridge_runs.server(bench.models, "--engine", engine, jack=jack) as client:
            with MidiReader(jack) as reader:
                await _connect(reader)
                await bridge_runs.submit(client, bench.clip(15.0), work / f"warm-{next(numbers)}")
                await asyncio.sleep(chosen.settle)
                live = LiveTakes(client, reader)
                for seconds in chosen.clips:
                    takes = [
                        await live.take(bench.clip(seconds), work / f"out-{next(numbers)}", whole=chosen.whole)
                        for _ in range(chosen.times)
                    ]
                    rows += _rows(f"{seconds:g} s, {engine}", engine, takes, memory_mb(jack) if chosen.whole else None)
    return rows


def _rows(name: str, engine: str, takes: Sequence[Take], memory: Mapping[str, float] | None) -> list[Row]:
    first = Figure(
        f"first note-on, {name}", "s", [take.first_note_seconds for take in takes], f"≤ {AIMS[engine]:g}",
        {"told": sum(bool(take.told) for take in takes), "hanging": sum(take.hanging for take in takes)},
    )  # fmt: skip
    if memory is None:
        return [first]
    details = {
        "starved": sum(take.starved for take in takes),
        "missed": sum(take.missed for take in takes),
        "worst_ms": max(take.worst_ms for take in takes),
        "note_ons": takes[0].note_ons,
        "job_seconds": takes[0].separated_seconds,
        **memory,
    }
    late = Figure(f"lateness p99, {name}", "ms", [take.p99_ms for take in takes], f"≤ {P99_AIM_MS:g}", details)
    return [first, late]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = lambda text: text.split(",")  # noqa: E731 - a type for argparse
    parser.add_argument("--engines", type=listed, default=[*AIMS], help=f"some of {', '.join(AIMS)}")
    parser.add_argument("--clips", type=lambda text: [float(part) for part in text.split(",")], default=[15, 60, 600])
    parser.add_argument("--times", type=int, default=5, help="takes of each")
    parser.add_argument("--whole", action="store_true", help="play each take to its end")
    parser.add_argument("--models", type=Path, help="folder with htdemucs.yaml and its checkpoint")
    parser.add_argument("--settle", type=float, default=20.0, help="idle seconds after a server's first job")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.engines if name not in AIMS]:
        parser.error(f"there is no {', '.join(unknown)}")
    if reason := why_no_jack():
        parser.error(reason)
    with tempfile.TemporaryDirectory() as folder, running_jack(real_time=True) as jack:
        work = Path(folder)
        models = chosen.models or work / "models"
        if chosen.models is None and "htdemucs" in chosen.engines:
            build(models, FULL_SIZE)
        bench = Bench(models.absolute(), work, chosen.times, chosen.settle)
        show(asyncio.run(measure(chosen, bench, work, jack)), as_json=chosen.json)


if __name__ == "__main__":
    main()
