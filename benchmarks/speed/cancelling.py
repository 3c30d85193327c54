"""How long cancelling takes at each stage of a job: `python -m benchmarks.speed.cancelling CLIP FOLDER`.

Each row is one job in a bridge of its own, cancelled as soon as the stage has begun, and the time to its last event.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.app import RunningBridge, open_bridge
from bridge.config import Settings
from bridge.events import Ended, Event, Progressed

#: Longer than any stage needs to begin.
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Case:
    """What is cancelled: at which stage, how long after it has begun, and what is done to the worker before."""

    name: str
    stage: str
    engine: str = "draft"
    after_seconds: float = 0.0
    stops_worker: bool = False
    uses_large_file: bool = False


CASES = (
    Case("the job begins", "loading"),
    Case("a file of 12 GB is opened for a second of it", "loading", after_seconds=0.2, uses_large_file=True),
    Case("a model loads", "loading", "good", after_seconds=0.5),
    Case("draft separates", "separating", after_seconds=0.3),
    Case("good separates", "separating", "good", after_seconds=0.3),
    Case("good separates, later", "separating", "good", after_seconds=1.5),
    Case("notes are read", "transcribing", after_seconds=0.3),
    Case("files are written", "writing"),
    Case("the worker hangs", "separating", stops_worker=True),
)


def large_file(folder: Path) -> Path:
    """Twelve gigabytes of silence as RF64, sparse."""
    path, size = folder / "large.wav", 12 * 10**9
    head = b"RF64\xff\xff\xff\xffWAVEds64" + (28).to_bytes(4, "little")
    head += (size + 72).to_bytes(8, "little") + size.to_bytes(8, "little") + (size // 4).to_bytes(8, "little")
    head += (
        bytes(4)
        + b"fmt "
        + (16).to_bytes(4, "little")
        + bytes.fromhex("0100020044ac000010b102000400 1000".replace(" ", ""))
    )
    with path.open("wb") as file:
        file.write(head + b"data\xff\xff\xff\xff")
        file.truncate(len(head) + 8 + size)
    return path


async def measured(case: Case, clip: Path, large: Path, folder: Path) -> tuple[float, str]:
    """The seconds from the cancellation to the job's end, and its outcome."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    settings = Settings(cache_dir=folder / "cache", cache_max_gb=0.0)
    async with open_bridge(settings, serve=False) as running:
        seen: asyncio.Queue[Event] = asyncio.Queue()
        running.bridge.subscribe(seen.put_nowait)
        region = {"start": 3600.0, "end": 3601.0} if case.uses_large_file else {}
        source = large if case.uses_large_file else clip
        options = {"engine": case.engine, "out": str(folder / "out"), **region}
        job, _ = await running.bridge.submit(await running.request(str(source), options))
        await _until(seen, lambda event: isinstance(event, Progressed) and event.stage == case.stage)
        await asyncio.sleep(case.after_seconds)
        if case.stops_worker:
            _stop_worker(running)
        began = time.monotonic()
        running.bridge.cancel(job.id)
        await _until(seen, lambda event: isinstance(event, Ended))
        return time.monotonic() - began, running.bridge.job(job.id).state


async def whole(large: Path, folder: Path) -> float:
    """The seconds of a whole job for a second of the large file."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    async with open_bridge(Settings(cache_dir=folder / "cache", cache_max_gb=0.0), serve=False) as running:
        seen: asyncio.Queue[Event] = asyncio.Queue()
        running.bridge.subscribe(seen.put_nowait)
        options = {"engine": "draft", "out": str(folder / "out"), "start": 3600.0, "end": 3601.0}
        began = time.monotonic()
        await running.bridge.submit(await running.request(str(large), options))
        await _until(seen, lambda event: isinstance(event, Ended))
        return time.monotonic() - began


async def _until(seen: asyncio.Queue[Event], wanted: Callable[[Event], bool]) -> None:
    while not wanted(await asyncio.wait_for(seen.get(), PATIENCE_SECONDS)):
        continue


def _stop_worker(running: RunningBridge) -> None:
    if running.worker.pid is not None:
        os.kill(running.worker.pid, signal.SIGSTOP)


async def main(clip: Path, folder: Path, large: Path) -> None:
    for case in CASES:
        seconds, state = await measured(case, clip, large, folder)
        print(f"{case.name:48} {seconds:6.2f} s  {state}", flush=True)
    print(f"{'a whole job for a second of 12 GB':48} {await whole(large, folder):6.2f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    big = large_file(asked.folder)
    asyncio.run(main(asked.clip, asked.folder, big))
    big.unlink()
