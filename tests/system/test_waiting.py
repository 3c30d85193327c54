"""Waiting for something: with a limit, and without forgetting that the one who waits is told to end."""

from __future__ import annotations

import asyncio

import pytest

from bridge.system.waiting import within

PATIENCE_SECONDS = 30.0


async def test_what_comes_in_time_is_returned_or_raised() -> None:
    async def answer() -> str:
        await asyncio.sleep(0)
        return "yes"

    async def refuse() -> str:
        raise KeyError("no")

    assert await within(answer(), PATIENCE_SECONDS) == "yes"
    with pytest.raises(KeyError, match="no"):
        await within(refuse(), PATIENCE_SECONDS)


@pytest.mark.parametrize("seconds", [0.0, 0.01])
async def test_what_comes_late_is_cancelled_and_its_end_waited_for(seconds: float) -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    started = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    with pytest.raises(asyncio.TimeoutError):
        await within(started, seconds)
    assert ended


async def test_a_late_answer_that_came_all_the_same_is_no_timeout() -> None:
    async def work() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "at the last moment"
        return ""

    started = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    assert await within(started, 0.0) == "at the last moment"


async def test_a_cancellation_that_comes_together_with_the_answer_is_not_forgotten() -> None:
    answer = asyncio.Event()
    waiting = asyncio.create_task(within(answer.wait(), PATIENCE_SECONDS))
    for _ in range(3):
        await asyncio.sleep(0)
    answer.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_who_is_cancelled_has_cancelled_its_work_too() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(within(work(), PATIENCE_SECONDS))
    for _ in range(3):
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended.is_set()
