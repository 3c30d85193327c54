"""What becomes of a song whose machines cannot do it, and of a job whose client process ends meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.errors import EngineFailed
from bridge.events import Ended, JobEvent, Started
from bridge.farm import submitting
from bridge.farm.carrying.carrier import MachineGone
from bridge.farm.carrying.sending import clip_of
from bridge.farm.client import FarmComputer
from bridge.farm.messages import ClientReady, Compute, FarmClientSettings, FarmReport, GivenUp, SongHappened
from bridge.farm.submitting import Submitter
from bridge.farm.task import TaskOutcome, TaskRecord, encode, record_of
from bridge.farm.values import FarmMachine, FarmState
from bridge.model import Failure
from tests.support.farm import until_so
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


async def test_a_song_that_cannot_even_be_described_fails_alone(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def describe(*_: object) -> TaskRecord:
        raise OverflowError("a number is too large")

    monkeypatch.setattr(submitting, "record_of", describe)
    (end,) = await Told([], monkeypatch).of(clip)
    assert isinstance(end, Ended) and end.failure is not None and "too large" in end.failure.message


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


@dataclass
class FakeDask:
    """A client of Dask whose tasks return what `answers` says; None: nothing, for ever."""

    answers: list[TaskOutcome | None]
    tasks: list[tuple[str, tuple[str, ...] | None]] = field(default_factory=list)
    """The key of each, and the machines that it waits for."""
    status: str = "running"

    def submit(self, *_: object, key: str, workers: Sequence[str] | None, **more: object) -> FakeDask:
        assert "allow_other_workers" not in more  # it would do without the resources as well
        self.tasks.append((key, tuple(workers) if workers is not None else None))
        return self

    async def result(self) -> bytes:
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        return encode(answer)

    def release(self) -> None: ...


def submitter_of(dask: FakeDask, *machines: str) -> Submitter:
    """A submitter that is connected to it, and has just seen these machines."""
    submitter = Submitter("tls://farm", None, lambda _: None, patience_seconds=60.0)
    submitter._client = dask
    submitter._connected.set()
    see(submitter, *machines)
    return submitter


def see(submitter: Submitter, *machines: str) -> None:
    found = {name: FarmMachine(name=name, kind="cpu") for name in machines}
    submitter._machines, submitter._looks = found, submitter._looks + 1
    submitter._state = FarmState(is_reachable=True, machines=tuple(found.values()))


def record_with(clip: Path) -> TaskRecord:
    return replace(record_of(request_for(clip), "topic"), clip=clip_of(clip))


async def test_a_machine_that_dies_with_the_clip_is_noticed_though_another_joins(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "LOOK_SECONDS", 0.01)
    dask = FakeDask([None])
    submitter = submitter_of(dask, "old")
    waiting = asyncio.create_task(submitter._outcome(record_with(clip), "new"))
    await until_so(lambda: bool(dask.tasks))
    assert dask.tasks[0][1] == ("new",)
    see(submitter, "old")  # this look was under way when the machine joined
    see(submitter, "old", "new")
    assert not (await asyncio.wait({waiting}, timeout=0.1))[0]
    see(submitter, "old", "another")
    with pytest.raises(MachineGone):
        await asyncio.wait_for(waiting, 5)


async def test_a_machine_that_asks_for_the_clip_again_and_again_is_not_asked_for_ever(clip: Path) -> None:
    wants = TaskOutcome(attempt="", events=(), machine="one")
    with pytest.raises(MachineGone, match="not kept"):
        await submitter_of(FakeDask([wants]), "one")._outcome(record_with(clip), "one")


async def test_where_the_machines_that_are_left_go_the_song_is_given_to_those_that_join(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "LOOK_SECONDS", 0.01)
    dask = FakeDask([None, outcome("three")])
    submitter = submitter_of(dask, "one", "two")
    waiting = asyncio.create_task(submitter._outcome(record_with(clip), avoided=["one"]))
    await until_so(lambda: bool(dask.tasks))
    for _ in range(2):
        see(submitter, "one", "three")
    assert (await asyncio.wait_for(waiting, 5)).machine == "three"
    keys, machines = zip(*dask.tasks, strict=True)
    assert machines == (("two",), ("three",))
    assert len({*keys}) == 2  # Dask keeps a task as it was given


async def test_a_job_that_is_cancelled_before_anything_was_done_for_it_ends(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told([], monkeypatch)
    told.submitter.compute(Compute(job="job", request=request_for(clip)))
    told.submitter.abandon("job")
    await asyncio.wait_for(told.is_over.wait(), 2)
    (report,) = told.reports
    assert isinstance(report, SongHappened) and isinstance(report.event, Ended) and report.event.outcome == "cancelled"
