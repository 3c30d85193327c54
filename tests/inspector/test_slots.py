"""Slots are shared between the senders, and each that becomes free wakes one that waits."""

from __future__ import annotations

import asyncio

import pytest

from bridge.inspector.slots import Slots


class Bench:
    """Holders of slots that the test lets go one after another."""

    def __init__(self, total: int, per_sender: int) -> None:
        self.slots = Slots(total, per_sender)
        self.holding: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def hold(self, name: str, timeout_seconds: float = 60.0) -> None:
        async with self.slots.slot(name[0], timeout_seconds):
            self.holding.append(name)
            await self.ends[name].wait()

    async def ask(self, *names: str, timeout_seconds: float = 60.0) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self.hold(name, timeout_seconds))
        await self.settle()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_senders_take_turns_and_none_has_more_than_its_share() -> None:
    bench = Bench(3, 2)
    await bench.ask("a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert bench.holding == ["a1", "a2", "b1"]
    await bench.end("a1")
    assert bench.holding[3:] == ["c1"] or bench.holding[3:] == ["a3"]
    await bench.end("a2")
    await bench.end("b1")
    assert {*bench.holding[3:]} == {"a3", "c1", "b2"}
    for name in ("a3", "c1", "b2"):
        await bench.end(name)
    assert bench.holding[6:] == ["a4"]
    await bench.end("a4")
    assert bench.slots._waiting == {}
    assert not +bench.slots._active


async def test_one_that_is_given_up_or_too_late_takes_no_slot() -> None:
    bench = Bench(1, 1)
    await bench.ask("a1", "a2", "b1")
    await bench.ask("c1", timeout_seconds=0.0)
    with pytest.raises(asyncio.TimeoutError):
        await bench.tasks["c1"]
    bench.tasks["a2"].cancel()
    await bench.settle()
    await bench.end("a1")
    assert bench.holding == ["a1", "b1"]
    bench.tasks["b1"].cancel()
    await bench.ask("d1")
    assert bench.holding == ["a1", "b1", "d1"]
    await bench.end("d1")
    assert bench.slots._waiting == {}
