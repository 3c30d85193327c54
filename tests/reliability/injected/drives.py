"""Drives that are full or become read-only, at a random moment; each drive is small and lies in memory."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from tests.reliability.bench import Bench
from tests.reliability.case import ANY, DONE, Case
from tests.reliability.fault import Fault, started
from tests.reliability.place import Place
from tests.reliability.storage import drive, fill, set_read_only, why_no_mounts

KIND = "drive"
#: The bridge keeps 64 MB free.
ENOUGH_MB = 90
OUTCOMES = ("done", "failed")


@contextlib.asynccontextmanager
async def _with_drive(folder: Path, name: str, **environment: str) -> AsyncIterator[Bench]:
    """A bench one of whose folders is a drive of its own."""
    place = Place(folder)
    place.make()
    with drive(folder / name, ENOUGH_MB):
        async with started(Bench(place, environment=environment)) as bench:
            yield bench


def output_drive(folder: Path) -> contextlib.AbstractAsyncContextManager[Bench]:
    return _with_drive(folder, "inside")


def state_drive(folder: Path) -> contextlib.AbstractAsyncContextManager[Bench]:
    return _with_drive(folder, "state")


def cache_drive(folder: Path) -> contextlib.AbstractAsyncContextManager[Bench]:
    return _with_drive(folder, "cache", SAB_CACHE_MAX_GB="5")


async def output_fills_up(case: Case) -> None:
    """The drive of the results fills up in the middle of a job."""
    job = await case.submit(ends=OUTCOMES, long=True)
    await case.reaches(job, case.rng.choice(("loading", "separating", "transcribing")), 0.2)
    filler = fill(case.folder, case.rng.choice((0, 3000, 200_000)))
    case.ours.add(filler)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    filler.unlink()
    await case.submit(ends=DONE)


async def output_is_full(case: Case) -> None:
    """The drive of the results is full before the job."""
    clip = case.clip()
    filler = fill(case.folder)
    case.ours.add(filler)
    code = await case.refused(clip)
    if code not in ("", "out_of_space", "not_writable"):
        case.found("other", f"refused as {code}")
    for job in case.expected:
        await case.bench.hears(lambda job=job: bool(case.bench.jobs[job].outcome), 30)  # type: ignore[misc]
    filler.unlink()


async def files_limited(case: Case) -> None:
    """The worker may write only files of a random size: writing fails at a random byte."""
    worker = case.bench.pid_of("bridge.worker")
    limit = case.rng.choice((0, case.rng.randrange(100), case.rng.randrange(300_000)))
    infinity = resource.RLIM_INFINITY
    if worker:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (limit, infinity))
    job = await case.submit(ends=OUTCOMES)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    with contextlib.suppress(ProcessLookupError):
        if worker:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, (infinity, infinity))
    await case.submit(ends=DONE)


async def output_read_only(case: Case) -> None:
    """The drive of the results becomes read-only in the middle of a job, and later writable again."""
    job = await case.submit(ends=OUTCOMES, long=True)
    await case.reaches(job, case.rng.choice(("loading", "separating", "transcribing")), 0.3)
    drive_folder = case.bench.place.inside
    for _ in range(50):
        if set_read_only(drive_folder, True):
            break
        await asyncio.sleep(0.01)  # while a file is open for writing, Linux refuses
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    set_read_only(drive_folder, False)
    await case.bench.kill()
    await case.restart()
    await case.submit(ends=DONE)


async def state_full(case: Case) -> None:
    """The drive of the history is full for a moment: what is accepted then is known after a crash, too."""
    place = case.bench.place
    filler = fill(place.state, case.rng.choice((0, 5000, 40_000)))
    clips = [case.clip() for _ in range(5)]
    codes = [await case.refused(clip, "midi", "none") for clip in clips]
    filler.unlink()
    if unclear := {code for code in codes if code not in ("", "out_of_space", "not_writable")}:
        case.found("other", f"refused as {', '.join(sorted(unclear))}")
    for job in case.expected:
        case.expected[job] = DONE
    await case.submit()
    await case.bench.kill()
    await case.restart()


async def state_read_only(case: Case) -> None:
    """The drive of the history is read-only: jobs are done or refused in words, and the bridge starts there."""
    await case.bench.kill()
    set_read_only(case.bench.place.state, True)
    try:
        await case.restart()
        for clip in (case.clip(), case.clip()):
            code = await case.refused(clip, "midi", "none")
            if code not in ("", "out_of_space", "not_writable"):
                case.found("other", f"refused as {code}")
        for job in case.expected:
            await case.bench.hears(lambda job=job: bool(case.bench.jobs[job].outcome), 30)  # type: ignore[misc]
        await case.settle()
        await case.bench.kill()
    finally:
        set_read_only(case.bench.place.state, False)
    case.expected.clear()
    await case.restart()
    await case.submit()


async def cache_full(case: Case) -> None:
    """The drive of the cache is full: the job is done."""
    filler = fill(case.bench.place.cache, case.rng.choice((0, 5000, 300_000)))
    job = await case.submit(long=case.rng.random() < 0.3)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    filler.unlink()


async def cache_damaged(case: Case) -> None:
    """A byte of the cache has flipped, or a file of it is cut: the same job again is done with whole files."""
    clip = case.clip()
    first = await case.submit(clip)
    await case.bench.hears(lambda: bool(case.bench.jobs[first].outcome), 30)
    cached = [path for path in case.bench.place.cache.rglob("*") if path.is_file() and path.stat().st_size]
    if cached:
        victim = case.rng.choice(sorted(cached))
        content = bytearray(victim.read_bytes())
        content[case.rng.randrange(len(content))] ^= 0x40
        victim.write_bytes(content[: case.rng.choice((len(content), len(content) // 2))])
    shutil.rmtree(case.folder / "stems", ignore_errors=True)
    case.bench.jobs[first].files.clear()
    del case.expected[first]
    await case.submit(clip, ends=ANY if not clip.exists() else DONE)


FAULTS = (
    Fault(KIND, "the results' drive fills up in a job", output_fills_up, 20, output_drive, why_no_mounts),
    Fault(KIND, "the results' drive is full", output_is_full, 20, output_drive, why_no_mounts),
    Fault(KIND, "writing fails at a random byte", files_limited, 40, quick=True),
    Fault(KIND, "the results' drive becomes read-only in a job", output_read_only, 12, output_drive, why_no_mounts),
    Fault(KIND, "the history's drive is full for a moment, then a crash", state_full, 15, state_drive, why_no_mounts),
    Fault(KIND, "the history's drive is read-only", state_read_only, 8, state_drive, why_no_mounts),
    Fault(KIND, "the cache's drive is full", cache_full, 30, cache_drive, why_no_mounts),
    Fault(KIND, "a file of the cache is damaged", cache_damaged, 30, cache_drive, why_no_mounts),
)
