"""What becomes of a song whose machines cannot do it, and of a job whose client process ends meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, Started
from bridge.farm.client import FarmComputer
from bridge.farm.messages import ClientReady, Compute, FarmClientSettings, FarmReport, GivenUp, SongHappened
from bridge.farm.submitting import Submitter
from bridge.farm.task import TaskOutcome, TaskRecord
from bridge.model import Failure
from tests.support.requests import request_for


def outcome(machine: str, code: str = "") -> TaskOutcome:
    """How a song has ended on a machine."""
    failure = Failure(code=code, message="It is missing there.") if code else None
    end = Ended(job="song", outcome="failed" if code else "done", unix_seconds=1.0, failure=failure)
    started = Started(job="song", engine="draft", device="cpu", output_dir="/out")
    return TaskOutcome(attempt=machine, events=(started, end), machine=machine)


class Told:
    """A submitter whose farm returns these outcomes, and what it has told."""

    def __init__(self, outcomes: Sequence[TaskOutcome | Exception], monkeypatch: pytest.MonkeyPatch) -> None:
        self.reports: list[FarmReport] = []
        self.is_over = asyncio.Event()
        self.avoided: list[tuple[str, ...]] = []
        left = [*outcomes]

        async def farm(record: TaskRecord, machine: str = "", avoided: Sequence[str] = ()) -> TaskOutcome:  # noqa: ARG001
            self.avoided.append(tuple(avoided))
            answer = left.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        async def lost(client: Any) -> None: ...

        def send(report: FarmReport) -> None:
            self.reports.append(report)
            if isinstance(report, GivenUp) or (isinstance(report, SongHappened) and isinstance(report.event, Ended)):
                self.is_over.set()

        self.submitter = Submitter("tls://farm", None, send, patience_seconds=60.0)
        monkeypatch.setattr(self.submitter, "_outcome", farm)
        monkeypatch.setattr(self.submitter, "_lost", lost)

    async def of(self, clip: Path) -> list[JobEvent | GivenUp]:
        self.submitter.compute(Compute(job="job", request=request_for(clip)))
        await asyncio.wait_for(self.is_over.wait(), 20)
        return [report.event if isinstance(report, SongHappened) else report for report in self.reports]  # type: ignore[misc]


async def test_a_song_goes_elsewhere_where_a_machine_lacks_its_weights(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told([outcome("one", "weights_unavailable"), outcome("two")], monkeypatch)
    events = await told.of(clip)
    assert told.avoided == [(), ("one",)]
    assert [type(event) for event in events] == [Started, Ended]
    assert isinstance(events[-1], Ended) and events[-1].outcome == "done"


async def test_where_all_lack_them_the_user_is_told_so(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told([outcome(name, "weights_unavailable") for name in ("one", "two", "three")], monkeypatch)
    end = (await told.of(clip))[-1]
    assert told.avoided == [(), ("one",), ("one", "two")]
    assert isinstance(end, Ended) and end.failure is not None and end.failure.code == "weights_unavailable"


async def test_a_full_shared_folder_is_full_for_all_machines(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told([outcome("one", "out_of_space")], monkeypatch)
    end = (await told.of(clip))[-1]
    assert isinstance(end, Ended) and end.failure is not None and end.failure.code == "out_of_space"


async def test_a_song_whose_following_fails_is_given_back(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told([AttributeError("Dask has changed")], monkeypatch)
    given_up = (await told.of(clip))[-1]
    assert isinstance(given_up, GivenUp) and "Dask has changed" in given_up.reason


async def test_a_job_that_was_cancelled_is_not_given_to_the_next_client_process(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = FarmComputer(
        FarmClientSettings(
            address="tls://farm", certificates="", patience_seconds=60.0, cache_dir="", cache_max_bytes=0
        )
    )
    sent: list[object] = []
    monkeypatch.setattr(computer._child, "send", sent.append)
    going, cancelled = (
        asyncio.create_task(computer.compute(job, request_for(clip), lambda _: None)) for job in ("going", "cancelled")
    )
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.sleep(0)
    sent.clear()
    computer._on_report(ClientReady())
    assert [command.job for command in sent if isinstance(command, Compute)] == ["going"]
    await computer.close()
    with pytest.raises(EngineFailed):
        await going
    with pytest.raises(asyncio.CancelledError):
        await cancelled
