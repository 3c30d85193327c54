"""A machine of a farm: a light Dask worker before warm worker processes."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import dask
from distributed import Reschedule, Security, Worker, WorkerPlugin
from msgspec.structs import replace

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.farm.access import LOOPBACK, FarmAddress
from bridge.farm.carrying.bench import free_bench
from bridge.farm.connection import SONG, problem_of, use_dask
from bridge.farm.identity import FACTS, METRIC, facts, songs
from bridge.farm.pool import Pool, Shared
from bridge.farm.values import PLUGIN, Kind
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.folders.output_folder import translate_folder_errors
from bridge.plain import plain
from bridge.system.clock import SystemClock
from bridge.system.off_loop import off_loop
from bridge.system.private_folders import private_folder
from bridge.system.waiting import within
from bridge.worker.local_computer import LocalComputer
from bridge.worker.pool import threads_each

log = logging.getLogger(__name__)

#: Between two attempts to join a farm whose scheduler has gone.
AGAIN_SECONDS = 1.0
#: A machine that has not joined after this time looks why.
JOIN_SECONDS = 5.0
CLOSE_SECONDS = 5.0


class MachineOptions(NamedTuple):
    """What a machine offers."""

    address: FarmAddress
    """The scheduler's."""
    security: Security | None
    kind: Kind
    slots: int
    """How many songs at once; each has a process and models of its own."""
    name: str
    host: str
    """Where it listens for the scheduler; empty: loopback."""
    port: int
    """0: any free one."""
    scratch: Path
    """What it writes that is no result."""
    shared: Shared


class SongPlugin(WorkerPlugin):
    """What a task finds on a worker: the pool of this process."""

    name = PLUGIN

    def __init__(self, pool: Pool, on_broken: Callable[[], None]) -> None:
        self._pool = pool
        self._on_broken = on_broken
        self._worker: Worker | None = None
        self.bench = pool.bench
        """For what is carried: `carrying.serving` looks for it here."""

    def setup(self, worker: Worker) -> None:
        """Called by Dask."""
        self._worker = worker
        self._pool.address = worker.address

    async def compute(self, record: bytes) -> bytes:
        """See `task.run_task`."""
        try:
            return await self._pool.compute(record, self._tell)
        except EngineFailed:
            self._on_broken()
            raise Reschedule from None

    async def cancel(self, job: str) -> None:
        """See `task.cancel_song`."""
        await self._pool.cancel(job)

    def _tell(self, topic: str, message: bytes) -> None:
        if self._worker is not None:
            self._worker.log_event(topic, message)


async def run_machine(
    options: MachineOptions, settings: Settings, say: Callable[[str], None], ends: asyncio.Event
) -> None:
    """Computes songs of a farm until `ends` is set; joins it again each time that its scheduler has gone.

    Raises:
        EngineFailed: nothing computes on this machine.
        NotWritable, OutOfSpace: nothing can be written to its scratch folder.
    """
    use_dask()
    dask.config.set({"distributed.worker.http.routes": []})
    cache = ResultsCache(settings.cache_dir, settings.cache_max_bytes, SystemClock())
    with translate_folder_errors(options.scratch):
        private_folder(options.scratch)
        bench = await off_loop(lambda: free_bench(options.scratch, cache))
    own = replace(settings, roots=(*options.shared.folders, options.scratch))
    threads = threads_each(options.slots)
    computers = [await LocalComputer.open(own, threads=threads) for _ in range(options.slots)]
    pool = Pool(computers, options.shared, SystemClock(), bench)
    news = _News(say)
    try:
        while not ends.is_set() and not pool.problem:
            await _take_part(options, pool, news, ends)
            await pool.cancel_all()
            with suppress(asyncio.TimeoutError):
                await within(ends.wait(), AGAIN_SECONDS)
    finally:
        await pool.close()
    if pool.problem:
        raise EngineFailed(pool.problem)


class _News:
    """Says what is new: a machine that tries to join each second says once why it cannot."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()

    def __call__(self, line: str, *, is_turn: bool = False) -> None:
        """`is_turn`: from here on, what was said before is new again."""
        if is_turn:
            self._said.clear()
        if line not in self._said:
            self._said.add(line)
            self._say(line)


async def _take_part(options: MachineOptions, pool: Pool, news: _News, ends: asyncio.Event) -> None:
    """Joins the farm, and returns when its scheduler has gone, nothing computes here, or `ends` is set."""
    broken = asyncio.Event()
    worker = Worker(
        str(options.address),
        nthreads=options.slots,
        resources={SONG: options.slots, options.kind.upper(): options.slots},
        name=options.name,
        host=options.host or LOOPBACK,
        port=options.port,
        security=options.security,
        local_directory=str(options.scratch),
        memory_limit=0,
        dashboard=False,
        dashboard_address=f"{LOOPBACK}:0",
        plugins=(SongPlugin(pool, broken.set),),
        metrics={METRIC: lambda _: songs(pool.running)},
        startup_information={FACTS: lambda _: facts(options.kind, options.slots)},
    )
    over = [asyncio.ensure_future(event.wait()) for event in (ends, broken)]
    joining = asyncio.ensure_future(_joined(worker))
    try:
        news(f"waiting for the farm at {options.address}")
        # Dask tries for ever, and says nothing.
        await asyncio.wait({joining, *over}, timeout=JOIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        while not any(waited.done() for waited in (joining, *over)):
            if problem := await problem_of(str(options.address), options.security):
                news(problem)
            await asyncio.wait({joining, *over}, timeout=JOIN_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if joining.done():
            joining.result()
            news(f"joined the farm at {options.address} as {options.name}", is_turn=True)
            left = asyncio.ensure_future(worker.finished())  # type: ignore[no-untyped-call]
            over.append(left)
            await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
            if ends.is_set():
                news("leaving the farm; what it computed goes to other machines")
            elif left.done():
                news("the farm's scheduler has gone; what was computed is given back")
    except RuntimeError as error:  # what Dask makes of all that goes wrong then
        news(_refusal(error, options))
    finally:
        for waiting in (joining, *over):
            waiting.cancel()
        await worker.close(timeout=CLOSE_SECONDS, reason="it leaves")


def _refusal(error: RuntimeError, options: MachineOptions) -> str:
    """Why a machine cannot join, in a line."""
    reason = plain(f"{error.__cause__ or error}")
    if "name taken" in reason:
        return f"the farm has a machine called {options.name} already; give this one another with --name"
    if isinstance(error.__cause__, OSError):
        return (
            f"this machine cannot listen at {options.host or LOOPBACK}:{options.port}: {reason}; see --host and --port"
        )
    return f"the farm does not take this machine: {reason}"


async def _joined(worker: Worker) -> None:
    await worker
    worker.http_server.stop()  # Dask has no way to leave it out


def likely_kind() -> Kind:
    """Whether this machine seems to have a graphics processor that models run on; it loads no library to know."""
    has_one = shutil.which("nvidia-smi") is not None or (sys.platform == "darwin" and os.uname().machine == "arm64")
    return "gpu" if has_one else "cpu"
