"""Several workers of this machine as one computer of jobs, each with its share of the processor's cores."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.protocols.computing import JobComputer
from bridge.request import JobRequest
from bridge.worker.local_computer import LocalComputer


def threads_each(workers: int) -> int | None:
    """How many threads each of so many workers gets: its share of the cores; None: it is alone, and has them all."""
    return max(1, (os.cpu_count() or 1) // workers) if workers > 1 else None


class WorkerPool:
    """Implements `protocols.computing.JobComputer` with others: each job goes to the one that has the fewest."""

    def __init__(self, computers: Sequence[JobComputer]) -> None:
        self._computers = tuple(computers)
        self._jobs: Counter[int] = Counter()
        """By the place of a computer: how many jobs it has."""

    @classmethod
    async def open(cls, settings: Settings, workers: int, *, locks: Path) -> WorkerPool:
        """Starts so many workers, each with its models.

        Args:
            locks: a folder for the files by which workers wait for those of a run that was killed.
        """
        threads = threads_each(workers)
        async with AsyncExitStack() as opened:
            computers = []
            for number in range(1, workers + 1):
                lock = locks / f"worker-{number}.lock"
                computers.append(await LocalComputer.open(settings, lock=lock, threads=threads))
                opened.push_async_callback(computers[-1].close)
            opened.pop_all()
            return cls(computers)

    @property
    def slots(self) -> int:
        return sum(computer.slots for computer in self._computers)

    @property
    def problem(self) -> str:
        """See `JobComputer.problem`."""
        return ""

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """See `JobComputer.watch`."""
        ends = [computer.watch(on_change) for computer in self._computers]

        def end() -> None:
            for end_one in ends:
                end_one()

        return end

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        """See `JobComputer.compute`."""
        able = [place for place, computer in enumerate(self._computers) if computer.slots]
        if not able:
            raise EngineFailed("No separation process starts on this machine.")
        place = min(able, key=lambda place: self._jobs[place] / self._computers[place].slots)
        self._jobs[place] += 1
        try:
            return await self._computers[place].compute(job, request, on_event)
        finally:
            self._jobs[place] -= 1

    async def close(self) -> None:
        """See `JobComputer.close`."""
        await asyncio.gather(*(computer.close() for computer in self._computers))
