"""Storage and processes that hang: everybody else is answered meanwhile, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from bridge.errors import BridgeError
from tests.reliability.case import ANY, Case
from tests.reliability.fault import Fault
from tests.reliability.processes import send
from tests.reliability.storage import FUSE, hanging_drive, why_no_mounts
from tests.support.far_away import out_of_reach

KIND = "hanging"
#: A drive is waited for so long, then the request is refused.
REFUSED_SECONDS = 20.0


def why_no_hanging_drive() -> str:
    return why_no_mounts() or ("" if FUSE.exists() else "there is no /dev/fuse")


async def clip_on_hanging_drive(case: Case) -> None:
    """A clip on a drive that does not answer: refused in time; others are answered, and their job is done."""
    with hanging_drive(case.bench.place.folder / "hanging") as drive:
        async with case.others_are_answered():
            began = time.monotonic()
            code = await case.refused(drive / "clip.wav", "out", str(case.folder / "out"))
            if time.monotonic() - began > REFUSED_SECONDS or code not in ("not_readable", "not_found"):
                case.found("stuck", f"after {time.monotonic() - began:.0f} s: {code or 'accepted'}")
        await case.submit(case.clip(), "midi", "none")


async def output_on_hanging_drive(case: Case) -> None:
    """Results go to a drive that does not answer: the job is cancelled in time, and the next one is done."""
    with hanging_drive(case.bench.place.folder / "hanging") as drive:
        async with case.others_are_answered():
            code = await case.refused(case.clip(), "out", str(drive / "out"))
            for job in list(case.expected):
                await asyncio.sleep(case.rng.uniform(0, 0.3))
                await case.cancel(job)
            if code not in ("", "not_writable", "not_readable"):
                case.found("other", f"refused as {code}")
            following = await case.submit(case.clip(), "midi", "none")
            if not await case.bench.hears(lambda: bool(case.bench.jobs[following].outcome), 30):
                case.found("stuck", "the next job does not run")


async def leased_clip(case: Case) -> None:
    """A clip that cannot be opened for a moment, since another program has a lease on it."""
    clip = case.clip()
    with out_of_reach(clip):
        async with case.others_are_answered():
            request = asyncio.create_task(case.refused(clip, "midi", "none"))
            await asyncio.sleep(case.rng.uniform(0.1, 0.6))
    if code := await request:
        case.found("other", f"refused as {code} after a moment's wait")


async def pipe_as_clip(case: Case) -> None:
    """The clip is a pipe that nobody writes to: refused at once."""
    clip = case.folder / "pipe.wav"
    os.mkfifo(clip)
    case.ours.add(clip)
    began = time.monotonic()
    code = await case.refused(clip)
    if not code or time.monotonic() - began > 2:
        case.found("stuck", f"a pipe: {code or 'accepted'} after {time.monotonic() - began:.1f} s")


async def inspector_stands_still(case: Case) -> None:
    """The inspector stands still: requests are answered in the end, and others meanwhile."""
    inspector = case.bench.pid_of("bridge.inspector")
    send(inspector, signal.SIGSTOP)
    async with case.others_are_answered():
        await case.refused(case.clip(), "midi", "none")
    send(inspector, signal.SIGCONT)
    await case.submit(case.clip(), "midi", "none")


async def big_folder(case: Case) -> None:
    """A clip among 20 000 files: it is accepted soon, and others are answered meanwhile."""
    folder = case.folder / "many"
    folder.mkdir()
    for number in range(20_000):
        (folder / f"{number}.wav").touch()
    clip = case.bench.place.clip(folder / "clip.wav")
    case.ours |= {case.folder / "many", clip}
    out = case.folder / "out"
    async with case.others_are_answered():
        began = time.monotonic()
        for _ in range(5):
            await case.submit(clip, "out", str(out), "midi", "none")
        if time.monotonic() - began > 5:
            case.found("stuck", f"five requests took {time.monotonic() - began:.1f} s")
    case.ours |= set(folder.iterdir())


async def slow_answers(case: Case) -> None:
    """The server itself stands still for two seconds: what was sent meanwhile is answered afterwards."""
    await case.submit(long=True)
    send(case.bench.pid, signal.SIGSTOP)
    asking = asyncio.create_task(case.bench.ask("/sab/ping", "still there", within=10))
    clip = case.clip()
    await asyncio.sleep(case.rng.uniform(0.1, 1.0))
    send(case.bench.pid, signal.SIGCONT)
    try:
        await asking
    except BridgeError:
        case.found("stuck", "a ping was not answered")
    await case.submit(clip, "midi", "none", ends=ANY)


FAULTS = (
    Fault(KIND, "the clip's drive does not answer", clip_on_hanging_drive, 5, needs=why_no_hanging_drive),
    Fault(KIND, "the results' drive does not answer", output_on_hanging_drive, 6, needs=why_no_hanging_drive),
    Fault(KIND, "the clip cannot be opened for a moment", leased_clip, 30),
    Fault(KIND, "the clip is a pipe", pipe_as_clip, 30, quick=True),
    Fault(KIND, "the inspector stands still", inspector_stands_still, 5),
    Fault(KIND, "the clip lies among 20 000 files", big_folder, 5),
    Fault(KIND, "the server stands still for a second", slow_answers, 20),
)
