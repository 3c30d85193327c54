"""How soon a slider's new notes are on the screen: the reader's answer and the drawing of the roll.

`python -m benchmarks.speed.slider CLIP [--engine draft] [--seconds 12] [--moves 40] [--json]`

A job with default options is done for the clip, unless the folder of `--keep` has it already. Then, for each stem, the
sliders for sensitivity and shortest note move to values that they never had, and the span in the middle of the clip is
read and drawn, as the screen does for the stem that is chosen. `eager` asks for the whole after each move too, and does
not wait for it: the next move comes in the middle of that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean

import msgspec

from benchmarks.report import machine
from bridge.app import RunningBridge, open_bridge
from bridge.config import Settings
from bridge.drawing.colours import RollColours
from bridge.drawing.draw import draw_roll
from bridge.drawing.roll import Roll, RollWindow, parts_of
from bridge.errors import Cancelled
from bridge.events import Ended, Event
from bridge.model import Job
from bridge.protocols.reading import JobView, NotesView
from bridge.reader.client import ReaderClient
from bridge.request import JobRequest

COLUMNS, ROWS = 120, 32
AIM_MS = 50.0


@dataclass(frozen=True)
class Moves:
    """The moves of the sliders for one stem; milliseconds from the move to the drawn roll."""

    kind: str
    stem: str
    notes: int
    """In the span, after the last move."""
    read_p50_ms: float
    read_p95_ms: float
    p50_ms: float
    p95_ms: float
    worst_ms: float
    processor_ms: float | None
    """The mean time that the reader computed for an answer, which another load on the machine hardly changes; None: the
    system does not tell."""

    def line(self) -> str:
        return (
            f"{self.kind:6} {self.stem:8} {self.notes:4} notes   "
            f"read {self.read_p50_ms:6.1f} / {self.read_p95_ms:6.1f} ms   "
            f"read and drawn {self.p50_ms:6.1f} / {self.p95_ms:6.1f} ms, the worst {self.worst_ms:.1f}   "
            f"{'' if self.processor_ms is None else f'computing {self.processor_ms:.1f} ms'}"
        )


async def done_job(running: RunningBridge, clip: Path, engine: str, folder: Path) -> Job:
    """A finished job of the clip."""
    seen: asyncio.Queue[Event] = asyncio.Queue()
    running.bridge.subscribe(seen.put_nowait)
    request = await running.request(str(clip), {"engine": engine, "out": str(folder / "out")})
    job, _ = await running.bridge.submit(request)
    while not (isinstance(event := await seen.get(), Ended) and event.job == job.id):
        continue
    found = running.bridge.job(job.id)
    if found.state != "done":
        raise SystemExit(f"The job has {found.state}: {found.failure}")
    return found


def moved(request: JobRequest, moves: int) -> Iterator[JobRequest]:
    """The request after each move: in turns of the slider for sensitivity and that for the shortest note."""
    reading = request.reading
    for move in range(moves):
        share = (move + 0.5) / moves
        change = {"sensitivity": 0.2 + 0.6 * share} if move % 2 else {"shortest_seconds": 0.04 + 0.3 * share}
        yield msgspec.structs.replace(request, reading=msgspec.structs.replace(reading, **change))


def window_of(view: JobView, seconds: float) -> RollWindow:
    start = max(0.0, view.seconds / 2 - seconds / 2)
    return RollWindow(start, start + seconds, COLUMNS, ROWS)


def drawn(view: JobView, notes: NotesView, window: RollWindow, chosen: str) -> int:
    """Draws the roll with the new notes in place of the old ones; returns how many are in the window."""
    parts = parts_of((stem.stem, notes.parts.get(stem.stem, stem.notes)) for stem in view.stems)
    roll = Roll(parts, view.seconds, notes.music, view.chords, chosen=chosen)
    lines = draw_roll(roll, window, RollColours())
    assert len(lines) == ROWS
    return len(notes.parts[chosen])


async def measured(
    running: RunningBridge,
    job: Job,
    view: JobView,
    requests: Sequence[JobRequest],
    stem: str,
    seconds: float,
    kind: str,
) -> Moves:
    window, count = window_of(view, seconds), 0
    read_ms, whole_ms, computed_ms = [], [], []
    rest: asyncio.Task[NotesView] | None = None
    for request in requests:
        began, before = time.perf_counter(), computed(running)
        notes = await running.bridge.reader.notes(job.id, request, window.start_seconds, window.end_seconds, (stem,))
        read_ms.append((time.perf_counter() - began) * 1e3)
        after = computed(running)
        if before is not None and after is not None:
            computed_ms.append(after - before)
        count = drawn(view, notes, window, stem)
        whole_ms.append((time.perf_counter() - began) * 1e3)
        if kind == "eager":
            if rest is not None:
                with suppress(Cancelled):
                    await rest
            rest = asyncio.ensure_future(running.bridge.reader.notes(job.id, request))
            await asyncio.sleep(0.05)  # a hand that moves on
    if rest is not None:
        await rest
    return Moves(
        kind, stem, count,
        at(read_ms, 0.5), at(read_ms, 0.95), at(whole_ms, 0.5), at(whole_ms, 0.95), round(max(whole_ms), 2),
        round(mean(computed_ms), 2) if computed_ms else None,
    )  # fmt: skip


def computed(running: RunningBridge) -> float | None:
    """How long the reader has computed so far, in milliseconds; None where the system is not Linux."""
    reader = running.bridge.reader
    assert isinstance(reader, ReaderClient)
    try:
        return int(Path(f"/proc/{reader.pid}/schedstat").read_text().split()[0]) / 1e6
    except OSError:
        return None


def at(values: Sequence[float], share: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 2)


async def whole_ms(running: RunningBridge, job: Job, requests: Sequence[JobRequest]) -> list[float]:
    found = []
    for request in requests:
        began = time.perf_counter()
        await running.bridge.reader.notes(job.id, request)
        found.append((time.perf_counter() - began) * 1e3)
    return found


async def main(clip: Path, engine: str, seconds: float, moves: int, folder: Path, *, as_json: bool) -> None:
    settings = Settings(cache_dir=folder / "cache")
    rows = []
    async with open_bridge(settings, serve=False) as running:
        job = await done_job(running, clip, engine, folder)
        began = time.perf_counter()
        view = await running.bridge.reader.open(job.id)
        opened_ms = (time.perf_counter() - began) * 1e3
        await running.bridge.reader.notes(job.id, job.request)  # while it is looked at, the reader reads it once
        requests = [*moved(job.request, 3 * moves)]
        for kind, mine in (("calm", requests[::3]), ("eager", requests[1::3][: moves // 2])):
            for stem in view.stems:
                if stem.notes:
                    row = await measured(running, job, view, mine, stem.stem, seconds, kind)
                    rows.append(row)
                    if not as_json:
                        print(row.line(), flush=True)
        whole = await whole_ms(running, job, requests[2::3][:5])
    if as_json:
        whole_row = {"opened_ms": opened_ms, "whole_p50_ms": at(whole, 0.5), "clip_seconds": view.seconds}
        print(json.dumps({**whole_row, "aim_ms": AIM_MS, "moves": [asdict(row) for row in rows], "machine": machine()}))
    else:
        print(f"opened in {opened_ms:.0f} ms; all notes of all stems in {at(whole, 0.5):.0f} ms")
        print(f"p50 / p95; the aim for a move is {AIM_MS:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--engine", default="draft")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = asked.keep or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        asyncio.run(main(asked.clip, asked.engine, asked.seconds, asked.moves, place, as_json=asked.json))
