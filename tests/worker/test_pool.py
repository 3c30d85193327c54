"""Several workers as one computer: each job to the one that has the fewest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.request import JobRequest
from bridge.worker.pool import WorkerPool
from tests.support.requests import request_for


class Waiting:
    """A computer whose jobs end when `go` is set."""

    problem = ""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.jobs: list[str] = []
        self.go = asyncio.Event()
        self.is_closed = False
        self.watchers: list[Callable[[], None]] = []

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(on_change)
        return lambda: self.watchers.remove(on_change)

    async def compute(self, job: str, _: JobRequest, __: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        self.jobs.append(job)
        await self.go.wait()
        return Ended(job=job, outcome="done", unix_seconds=0.0)

    async def close(self) -> None:
        self.is_closed = True


async def test_jobs_are_spread_by_what_each_has_and_can_do() -> None:
    small, large = Waiting(1), Waiting(2)
    pool = WorkerPool([small, large])
    assert pool.slots == 3
    request = JobRequest(source="/x.wav")
    tasks = [asyncio.create_task(pool.compute(job, request, lambda _: None)) for job in "abc"]
    await asyncio.sleep(0)
    assert (len(small.jobs), len(large.jobs)) == (1, 2)
    small.slots = 0  # its process does not start any more
    fourth = asyncio.create_task(pool.compute("d", request, lambda _: None))
    await asyncio.sleep(0)
    assert (pool.slots, large.jobs[-1]) == (2, "d")
    for computer in (small, large):
        computer.go.set()
    assert {end.job for end in await asyncio.gather(*tasks, fourth)} == {"a", "b", "c", "d"}


async def test_where_none_works_nothing_is_computed() -> None:
    computer = Waiting(0)
    with pytest.raises(EngineFailed):
        await WorkerPool([computer]).compute("a", JobRequest(source="/x.wav"), lambda _: None)


async def test_who_watches_hears_of_every_one_until_it_is_enough() -> None:
    computers = [Waiting(1), Waiting(1)]
    pool = WorkerPool(computers)
    end = pool.watch(lambda: None)
    assert [len(computer.watchers) for computer in computers] == [1, 1]
    end()
    assert [len(computer.watchers) for computer in computers] == [0, 0]
    await pool.close()
    assert all(computer.is_closed for computer in computers)


@pytest.mark.end_to_end
async def test_workers_are_processes_of_their_own_that_share_the_cores(tmp_path: Path, clip: Path) -> None:
    settings = Settings(cache_dir=tmp_path / "cache", cache_max_gb=0.0)
    pool = await WorkerPool.open(settings, 2, locks=tmp_path)
    requests = {job: request_for(clip, engine="draft", midi=(), out=str(tmp_path / job)) for job in "ab"}
    ends = await asyncio.gather(*(pool.compute(job, request, lambda _: None) for job, request in requests.items()))
    assert [end.outcome for end in ends] == ["done", "done"]
    pids = {(tmp_path / f"worker-{number}.lock").read_text() for number in (1, 2)}
    assert len(pids) == 2
    await pool.close()
