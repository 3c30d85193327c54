"""One injected fault: the jobs that it expects to end, and what it finds wrong afterwards.

`settle` is the judge. What it may find:

    lost     a job that was accepted is unknown, or did not end as it should
    stuck    a job, an answer or a note that does not end in time
    partial  a temporary or half file, a file without its event, an empty folder
    outside  something written where nobody asked for it
    other    a traceback, a process or descriptors left behind, a wrong answer
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from bridge.errors import BridgeError, NotFound
from bridge.osc.client import NoAnswer, open_client
from tests.reliability.bench import Bench, Followed
from tests.reliability.output_files import left_over, missing_or_broken
from tests.reliability.place import differences

Column: TypeAlias = Literal["lost", "stuck", "partial", "outside", "other"]
DONE = ("done",)
#: Where a fault may also arrive too late, or where a job may rightly fail in words.
ANY = ("done", "failed", "cancelled")
#: Until all jobs of an injection are over.
SETTLE_SECONDS = 40.0
#: A pong must come within this time, whatever happens to others.
PONG_SECONDS = 1.0
CANCEL_SECONDS = 3.0


@dataclass
class Case:
    """One injection on a bench."""

    bench: Bench
    folder: Path
    """Its own folder inside, made anew."""
    rng: random.Random
    problems: list[tuple[Column, str]] = field(default_factory=list)
    expected: dict[str, Collection[str]] = field(default_factory=dict)
    """Job → the outcomes that are right."""
    ours: set[Path] = field(default_factory=set)
    """Files and folders of the fault itself."""
    has_taken_files: bool = False
    """Set where the fault itself removes or changes results."""

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.watch_again()
        self._log_at = self.bench.log.stat().st_size
        self._clips = 0

    def found(self, column: Column, words: str) -> None:
        self.problems.append((column, words))

    def watch_again(self) -> None:
        """What lies outside now is as it must stay."""
        self._before = self.bench.place.watched()

    def clip(self, *, long: bool = False) -> Path:
        """A new clip in the case's folder."""
        self._clips += 1
        path = self.bench.place.clip(self.folder / f"clip{self._clips}.wav", long=long)
        self.ours.add(path)
        return path

    async def submit(
        self, clip: Path | None = None, *options: str | float, ends: Collection[str] = DONE, long: bool = False
    ) -> str:
        """Queues a job that must end as one of `ends`."""
        job = await self.bench.submit(clip or self.clip(long=long), *options)
        self.expected[job] = ends
        return job

    async def refused(self, clip: Path, *options: str | float) -> str:
        """Submits a clip that may be refused; returns the code, or "" where it became a job."""
        try:
            await self.submit(clip, *options, ends=ANY)
        except NoAnswer:
            self.found("stuck", "a request was not answered")
        except BridgeError as error:
            return error.code
        return ""

    async def reaches(self, job: str, stage: str, up_to_seconds: float = 0.15) -> None:
        """Waits until a job has entered a stage (or is beyond it), and then for a random moment of it."""
        order = ("queued", "loading", "separating", "transcribing", "writing")
        wanted = order[order.index(stage) :]
        heard = self.bench.jobs[job]
        await self.bench.hears(lambda: heard.stage in wanted or bool(heard.outcome), 20)
        await asyncio.sleep(self.rng.uniform(0, up_to_seconds))

    async def restart(self) -> None:
        """Starts the bridge again where it has ended."""
        await self.bench.gone()
        await self.bench.start()

    async def cancel(self, job: str, within: float = CANCEL_SECONDS) -> float:
        """Cancels a job; returns after how many seconds it is over."""
        began = time.monotonic()
        await self.bench.ask("/sab/cancel", job)
        if not await self.bench.hears(lambda: bool(self.bench.jobs[job].outcome), within):
            self.found("stuck", f"cancelled, and not over after {within:g} s")
        return time.monotonic() - began

    @contextlib.asynccontextmanager
    async def others_are_answered(self, within: float = PONG_SECONDS) -> AsyncIterator[None]:
        """Another client pings all the while; each pong must come in time."""
        worst = [0.0]
        async with open_client(self.bench.host, self.bench.port) as other:
            pinging = asyncio.create_task(_ping(other.ask("/sab/hello", "other", 1), worst))
            await pinging

            is_over = asyncio.Event()

            async def go_on() -> None:
                while not is_over.is_set():  # before Python 3.12 `wait_for` may swallow a cancellation
                    await _ping(other.ask("/sab/ping", "x", answer_seconds=30), worst)
                    await asyncio.sleep(0.03)

            pinging = asyncio.create_task(go_on())
            try:
                yield
                await asyncio.sleep(0.05)
            finally:
                is_over.set()
                pinging.cancel()
                await asyncio.gather(pinging, return_exceptions=True)
        if worst[0] > within:
            self.found("stuck", f"another client waited {worst[0]:.1f} s for its pong")

    async def settle(self) -> None:
        """Waits until all jobs are over, and looks at everything that must hold then."""
        await self._end_jobs()
        self._look_at_files()
        for line in differences(self._before, self.bench.place.watched()):
            self.found("outside", line)
        await self._look_at_processes()
        with self.bench.log.open(errors="replace") as log:
            log.seek(self._log_at)
            if "Traceback" in (text := log.read()):
                self.found("other", f"a traceback: {text.strip().splitlines()[-1][:100]}")

    async def _end_jobs(self) -> None:
        end = time.monotonic() + SETTLE_SECONDS
        for job, right in self.expected.items():
            try:
                followed = await self._asked(job)
                while not followed.outcome and time.monotonic() < end:
                    await self.bench.hears(lambda followed=followed: bool(followed.outcome), 1.0)  # type: ignore[misc]
                    followed = await self.bench.query(job)
            except NotFound:
                self.found("lost", "an accepted job is unknown")
                continue
            except BridgeError as error:
                self.found("stuck", f"a query was not answered ({error.code})")
                continue
            if not followed.outcome:
                self.found("stuck", f"a job is still {followed.stage or 'queued'} after {SETTLE_SECONDS:g} s")
            elif followed.outcome not in right:
                self.found("lost", f"a job ended as {followed.outcome} {followed.code}".strip())

    async def _asked(self, job: str) -> Followed:
        """Asks for a job, up to three times: after a flood a datagram may be lost."""
        for _ in range(2):
            with contextlib.suppress(NoAnswer):
                return await self.bench.query(job)
        return await self.bench.query(job)

    def _look_at_files(self) -> None:
        heard = self.bench.jobs.values()
        told = {path for followed in heard for path in followed.files}
        self._find("partial", left_over(self.folder, told, self.ours))
        if not self.has_taken_files:
            for job in self.expected:
                for path, seconds in self.bench.jobs[job].files.items():
                    self._find("partial", missing_or_broken(path, seconds))

    async def _look_at_processes(self) -> None:
        end = time.monotonic() + 6
        while True:
            running = list(self.bench.processes().values())
            twice = {name for name in running if running.count(name) > 1}
            if not twice or time.monotonic() > end:
                break
            await asyncio.sleep(0.05)
        self._find("other", (f"{name} runs twice" for name in sorted(twice)))

    def _find(self, column: Column, lines: Iterable[str]) -> None:
        for line in lines:
            self.found(column, line)


async def _ping(asked: object, worst: list[float]) -> None:
    """Awaits one answer, and notes how long it took."""
    began = time.monotonic()
    try:
        await asked  # type: ignore[misc]
    except NoAnswer:
        worst[0] = max(worst[0], 30.0)
    except asyncio.CancelledError:
        worst[0] = max(worst[0], time.monotonic() - began)
        raise
    worst[0] = max(worst[0], time.monotonic() - began)
