"""This machine's worker as a computer of jobs, with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes, Produced, Progressed, Requeued, Started
from bridge.request import JobRequest
from bridge.worker.local_computer import LocalComputer
from tests.support.requests import request_for

pytestmark = pytest.mark.end_to_end


@pytest.fixture
async def computer(tmp_path: Path) -> AsyncIterator[LocalComputer]:
    opened = await LocalComputer.open(Settings(cache_dir=tmp_path / "cache", cache_max_gb=0.0))
    yield opened
    await opened.close()


@pytest.fixture
def request_(clip: Path) -> JobRequest:
    return request_for(clip, engine="draft", out=str(clip.parent / "out"))


def names(request: JobRequest) -> set[str]:
    """All files in the folder of the results, hidden ones too."""
    folder = Path(str(request.place.folder))
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


async def test_a_job_gives_its_files_and_its_events_in_order(computer: LocalComputer, request_: JobRequest) -> None:
    events: list[JobEvent | LiveNotes] = []
    assert computer.slots == 1
    end = await computer.compute("a", request_, events.append)
    assert (end.job, end.outcome) == ("a", "done")
    assert {event.result.file for event in events if isinstance(event, Produced)} | {"clip.sab.json"} == names(request_)
    assert isinstance(next(event for event in events if not isinstance(event, Progressed)), Started)
    assert not any(isinstance(event, Ended) for event in events)


async def test_jobs_at_once_wait_for_their_turn(computer: LocalComputer, clip: Path) -> None:
    order: list[str] = []
    requests = [request_for(clip, engine="draft", midi=(), out=str(clip.parent / name)) for name in "abc"]
    ends = await asyncio.gather(
        *(
            computer.compute(name, request, lambda event: order.append(event.job))
            for name, request in zip("abc", requests, strict=True)
        )
    )
    assert [(end.job, end.outcome) for end in ends] == [("a", "done"), ("b", "done"), ("c", "done")]
    assert order == sorted(order)


async def test_a_job_that_fails_disturbs_no_other(computer: LocalComputer, request_: JobRequest, clip: Path) -> None:
    failed = await computer.compute("a", request_for(clip.with_name("gone.wav"), engine="draft"), lambda _: None)
    assert failed.failure is not None
    assert failed.failure.code == "not_found"
    assert (await computer.compute("b", request_, lambda _: None)).outcome == "done"


def kills_its_worker(
    computer: LocalComputer, events: list[JobEvent | LiveNotes], times: int
) -> Callable[[JobEvent | LiveNotes], None]:
    """Records events; kills the worker at the first one that says that it separates, in so many attempts."""

    def on_event(event: JobEvent | LiveNotes) -> None:
        events.append(event)
        attempts = sum(isinstance(event, Requeued) for event in events)
        if isinstance(event, Progressed) and event.stage == "separating" and attempts < times and computer.pid:
            os.kill(computer.pid, signal.SIGKILL)

    return on_event


async def test_a_job_whose_worker_dies_is_done_the_second_time(computer: LocalComputer, request_: JobRequest) -> None:
    events: list[JobEvent | LiveNotes] = []
    end = await computer.compute("a", request_, kills_its_worker(computer, events, times=1))
    assert end.outcome == "done"
    assert sum(isinstance(event, Requeued) for event in events) == 1
    assert not [name for name in names(request_) if name.startswith(".") or "unfinished" in name]


async def test_one_that_kills_it_each_time_fails_alone_and_leaves_nothing(
    computer: LocalComputer, request_: JobRequest, clip: Path
) -> None:
    end = await computer.compute("a", request_, kills_its_worker(computer, [], times=2))
    assert end.failure is not None
    assert end.failure.code == "engine_failed"
    assert names(request_) == set()
    other = request_for(clip, engine="draft", midi=(), out=str(clip.parent / "other"))
    assert (await computer.compute("b", other, lambda _: None)).outcome == "done"


async def test_a_cancelled_task_cancels_its_job_in_time(computer: LocalComputer, request_: JobRequest) -> None:
    began = asyncio.Event()

    def on_event(event: JobEvent | LiveNotes) -> None:
        if isinstance(event, Progressed) and event.stage == "separating":
            began.set()

    task = asyncio.create_task(computer.compute("a", request_, on_event))
    await began.wait()
    cancelled = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - cancelled < 3.0
    assert not [name for name in names(request_) if name.startswith(".") or name.endswith(".sab.json")]
    assert (await computer.compute("b", request_, lambda _: None)).outcome == "done"


async def test_closing_abandons_the_job_and_all_that_wait(computer: LocalComputer, request_: JobRequest) -> None:
    changes: list[int] = []
    computer.watch(lambda: changes.append(computer.slots))
    began = asyncio.Event()
    running = asyncio.create_task(computer.compute("a", request_, lambda _: began.set()))
    waiting = asyncio.create_task(computer.compute("b", request_, lambda _: None))
    await began.wait()
    await computer.close()
    for task in (running, waiting):
        with pytest.raises(EngineFailed):
            await task
    assert changes == [0]
    assert not [name for name in names(request_) if name.startswith(".") or name.endswith(".sab.json")]


async def test_a_worker_that_does_not_start_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request_: JobRequest
) -> None:
    monkeypatch.setattr("bridge.processes.child.RESTART_SECONDS", (0.0,))
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('no such thing')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    computer = await LocalComputer.open(Settings(cache_dir=tmp_path / "cache"))
    with pytest.raises(EngineFailed, match="does not start"):
        await computer.compute("a", request_, lambda _: None)
    assert computer.slots == 0
    await computer.close()
