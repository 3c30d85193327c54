"""Cancelling at every stage: over within three seconds, and nothing half is left."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
import struct
from pathlib import Path

from tests.reliability.case import Case
from tests.reliability.fault import Fault
from tests.reliability.injected.kills import SPANS, STAGES
from tests.reliability.processes import send

KIND = "cancelled"
ENDS = ("cancelled", "done")
#: A WAV file of this size, nearly all of it a hole.
HUGE_BYTES = 3_900_000_000


async def in_stage(stage: str, case: Case) -> None:
    """A job is cancelled while it is in `stage`."""
    if stage == "queued":
        await case.submit(long=True)
    job = await case.submit(long=True, ends=ENDS)
    await case.reaches(job, stage, SPANS[stage])
    await case.cancel(job)


async def at_any_moment(case: Case) -> None:
    """Three jobs, each cancelled at any moment, and one that is not."""
    jobs = [await case.submit(ends=ENDS) for _ in range(3)]
    await case.submit(case.clip(), "midi", "none")
    case.rng.shuffle(jobs)
    for job in jobs:
        await asyncio.sleep(case.rng.uniform(0, 0.15))
        await case.cancel(job)


async def all_of_mine(case: Case) -> None:
    """`/sab/cancel *` with ten jobs in the queue."""
    clip = case.clip()
    jobs = [await case.submit(clip, "midi", "none", ends=ENDS) for _ in range(10)]
    await asyncio.sleep(case.rng.uniform(0, 0.2))
    await case.bench.ask("/sab/cancel", "*")
    if not await case.bench.hears(lambda: all(case.bench.jobs[job].outcome for job in jobs), 3.0):
        case.found("stuck", "cancelled, and not over after 3 s")


async def hanging_worker(case: Case) -> None:
    """The worker stands still; a cancelled job is over all the same, and the next one runs."""
    job = await case.submit(long=True, ends=ENDS)
    await case.reaches(job, case.rng.choice(("loading", "separating", "transcribing")), 0.2)
    worker = case.bench.pid_of("bridge.worker")
    send(worker, signal.SIGSTOP)
    await asyncio.sleep(0.1)
    await case.cancel(job)
    following = await case.submit(case.clip(), "midi", "none")
    if not await case.bench.hears(lambda: bool(case.bench.jobs[following].outcome), 20):
        case.found("stuck", "the next job does not run")
        send(worker, signal.SIGKILL)


async def huge_clip(case: Case) -> None:
    """One second of a clip of four gigabytes: it is cancelled, or it is simply done, within three seconds."""
    clip = case.folder / "huge.wav"
    _huge(clip)
    case.ours.add(clip)
    job = await case.submit(clip, "start", 10.0, "end", 11.0, "midi", "none", ends=ENDS)
    await asyncio.sleep(case.rng.uniform(0, 1.0))
    await case.cancel(job)


async def region_of_huge_clip(case: Case) -> None:
    """One second of a clip of four gigabytes costs what the second costs."""
    clip = case.folder / "huge.wav"
    _huge(clip)
    case.ours.add(clip)
    job = await case.submit(clip, "start", 10.0, "end", 11.0, "midi", "none")
    if not await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 3.0):
        case.found("stuck", "one second of a huge clip takes more than 3 s")


def _huge(path: Path) -> None:
    data = HUGE_BYTES - 44
    head = b"RIFF" + struct.pack("<I", HUGE_BYTES - 8) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 2, 44_100, 176_400, 4, 16) + b"data" + struct.pack("<I", data)
    with path.open("wb") as file, contextlib.suppress(OSError):
        file.write(head)
        file.truncate(HUGE_BYTES)


FAULTS = (
    *(
        Fault(KIND, f"a job that is {stage}", functools.partial(in_stage, stage), 25, quick=stage == "transcribing")
        for stage in STAGES
    ),
    Fault(KIND, "three jobs, at any moment", at_any_moment, 40),
    Fault(KIND, "all ten jobs of a client", all_of_mine, 30),
    Fault(KIND, "a job whose worker stands still", hanging_worker, 10),
    Fault(KIND, "a second of a clip of 4 GB", huge_clip, 8),
    Fault(KIND, "not at all: a second of a clip of 4 GB", region_of_huge_clip, 4),
)
