"""Processes that are killed, at a random moment of each stage of a job."""

from __future__ import annotations

import asyncio
import functools
import signal

from bridge.errors import BridgeError
from tests.reliability.case import DONE, Case
from tests.reliability.fault import Fault
from tests.reliability.processes import send

KIND = "killed"
STAGES = ("queued", "loading", "separating", "transcribing", "writing")
#: About how long each stage of the long clip lasts.
SPANS = {"queued": 0.02, "loading": 0.05, "separating": 0.3, "transcribing": 0.5, "writing": 0.03}


async def server_in(stage: str, case: Case) -> None:
    """SIGKILL to the server while a job is in `stage` and two wait; the next start must end all three."""
    if stage == "queued":
        await case.submit(long=True)
    job = await case.submit(long=True)
    await case.submit()
    await case.submit()
    await case.reaches(job, stage, SPANS[stage])
    await case.bench.kill()
    await case.restart()


async def server_at_acceptance(case: Case) -> None:
    """SIGKILL the moment that the last of twenty jobs is accepted."""
    clip = case.clip()
    for _ in range(20):
        await case.submit(clip, "midi", "none")
    await case.bench.kill()
    await case.restart()


async def server_twice(case: Case) -> None:
    """The power fails, and again soon after the restart."""
    job = await case.submit(long=True)
    await case.submit()
    await case.reaches(job, "separating", SPANS["separating"])
    await case.bench.kill()
    await case.restart()
    await asyncio.sleep(case.rng.uniform(0, 0.6))
    await case.bench.kill()
    await case.restart()


async def server_and_all(case: Case) -> None:
    """Every process at once, as when the power fails."""
    job = await case.submit(long=True)
    await case.submit()
    await case.reaches(job, case.rng.choice(STAGES), 0.3)
    for pid in case.bench.processes():
        send(pid, signal.SIGKILL)
    await case.bench.kill()
    await case.restart()


async def server_ended(number: signal.Signals, case: Case) -> None:
    """A clean end in the middle of a job; the next start goes on with the queue."""
    job = await case.submit(long=True)
    await case.submit()
    await case.reaches(job, case.rng.choice(STAGES), 0.3)
    status = await case.bench.kill(number)
    if status != 0:
        case.found("other", f"the server ended with status {status}")
    await case.restart()


async def worker_in(stage: str, case: Case) -> None:
    """SIGKILL to the worker while a job is in `stage`; it is taken up again, and the next one runs."""
    job = await case.submit(long=True)
    await case.submit()
    await case.reaches(job, stage, SPANS[stage])
    send(case.bench.pid_of("bridge.worker"), signal.SIGKILL)


async def idle_worker(case: Case) -> None:
    """SIGKILL to the worker while nothing runs, at the same moment as a new job comes."""
    send(case.bench.pid_of("bridge.worker"), signal.SIGKILL)
    await asyncio.sleep(case.rng.uniform(0, 0.2))
    await case.submit()


async def poison(case: Case) -> None:
    """A clip that kills each worker that separates it: failed the second time, and its neighbours are done."""
    await case.submit()
    bad = await case.submit(long=True, ends=("failed",))
    await case.submit()
    heard = case.bench.jobs[bad]
    for _ in range(4):
        await case.bench.hears(lambda: heard.stage == "separating" or bool(heard.outcome), 20)
        if heard.outcome:
            return
        heard.stage = ""
        send(case.bench.pid_of("bridge.worker"), signal.SIGKILL)
    case.found("stuck", "a job that kills its worker was tried four times")


async def inspector(case: Case) -> None:
    """SIGKILL to the inspector while it reads clips; each request is accepted or refused in words."""
    clips = [case.clip() for _ in range(4)]
    requests = [asyncio.create_task(case.refused(clip, "midi", "none")) for clip in clips]
    await asyncio.sleep(case.rng.uniform(0, 0.02))
    send(case.bench.pid_of("bridge.inspector"), signal.SIGKILL)
    await asyncio.gather(*requests)
    await case.submit()


async def stopped_for_a_second(case: Case) -> None:
    """The computer sleeps in the middle of a job: every process stands still, and goes on."""
    job = await case.submit(long=True)
    await case.reaches(job, case.rng.choice(STAGES), 0.3)
    stopped = list(case.bench.processes())
    for pid in stopped:
        send(pid, signal.SIGSTOP)
    await asyncio.sleep(0.5)
    for pid in stopped:
        send(pid, signal.SIGCONT)


async def cancelled_then_killed(waits: bool, case: Case) -> None:
    """A job that was cancelled and confirmed stays cancelled after a crash, whether it waited or ran."""
    if waits:
        await case.submit(long=True)
        job = await case.submit(ends=("cancelled",))
    else:
        job = await case.submit(long=True, ends=("cancelled",))
        await case.submit()
        stage = case.rng.choice(("loading", "separating", "transcribing"))
        await case.reaches(job, stage, SPANS[stage])
    try:
        await case.bench.ask("/sab/cancel", job)
    except BridgeError as error:
        case.found("other", f"cancelling was refused ({error.code})")
    if case.bench.jobs[job].outcome == "done":  # it was told before
        case.expected[job] = DONE
    await case.bench.kill()
    await case.restart()


FAULTS = (
    *(
        Fault(KIND, f"the server, its job {stage}", functools.partial(server_in, stage), 20, quick=stage == "writing")
        for stage in STAGES
    ),
    Fault(KIND, "the server, right after it accepted the last of 20 jobs", server_at_acceptance, 15),
    Fault(KIND, "the server, and again soon after its restart", server_twice, 10),
    Fault(KIND, "every process at once, as when the power fails", server_and_all, 15),
    Fault(KIND, "the server, after a waiting job was cancelled", functools.partial(cancelled_then_killed, True), 8),
    Fault(
        KIND,
        "the server, after the running job was cancelled",
        functools.partial(cancelled_then_killed, False),
        12,
        quick=True,
    ),
    Fault(KIND, "the server, by Ctrl-C in the middle of a job", functools.partial(server_ended, signal.SIGINT), 8),
    Fault(KIND, "the server, by the system (SIGTERM) in a job", functools.partial(server_ended, signal.SIGTERM), 8),
    *(
        Fault(
            KIND, f"the worker, its job {stage}", functools.partial(worker_in, stage), 22, quick=stage == "separating"
        )
        for stage in STAGES
    ),
    Fault(KIND, "the worker, idle, as a job comes", idle_worker, 15),
    Fault(KIND, "each worker that takes up one certain clip", poison, 8),
    Fault(KIND, "the inspector, as it reads four clips", inspector, 25, quick=True),
    Fault(KIND, "all processes stand still for a moment", stopped_for_a_second, 10),
)
