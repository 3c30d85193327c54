"""The main process's client of the worker: a cancelled job is over in time, whatever its worker does."""

from __future__ import annotations

import asyncio

import pytest

from bridge.config import Settings
from bridge.events import Ended, Event
from bridge.worker import client
from bridge.worker.client import CANCEL_GRACE_SECONDS, WorkerClient
from bridge.worker.messages import CancelJob, Happened


class Wires:
    """A worker without a process: what was sent, and how often it was killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[object] = []
        self.killed = asyncio.Event()
        events: list[Event] = []
        self.client = WorkerClient(
            Settings(),
            publish=events.append,
            on_event=events.append,
            on_lost=lambda _: None,
            on_ready=lambda: None,
        )
        monkeypatch.setattr(self.client._child, "send", self.sent.append)
        monkeypatch.setattr(self.client._child, "kill", self.killed.set)


def test_the_grace_leaves_time_to_end_the_job_within_three_seconds() -> None:
    assert CANCEL_GRACE_SECONDS <= 2.5


async def test_a_worker_that_does_not_react_to_a_cancellation_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CANCEL_GRACE_SECONDS", 0.0)
    wires = Wires(monkeypatch)
    wires.client.cancel("a")
    assert wires.sent == [CancelJob(job="a")]
    await asyncio.wait_for(wires.killed.wait(), 10)


async def test_a_worker_whose_job_ends_in_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CANCEL_GRACE_SECONDS", 0.0)
    wires = Wires(monkeypatch)
    wires.client.cancel("a")
    wires.client._on_report(Happened(event=Ended(job="a", outcome="cancelled", unix_seconds=0.0)))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not wires.killed.is_set()
