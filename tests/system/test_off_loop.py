"""Work off the event loop: its results, its errors, and that nothing waits for what does not answer."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bridge.errors import Cancelled
from bridge.system import off_loop as module
from bridge.system.off_loop import answer_of, off_loop


async def test_the_result_and_the_error_of_the_work_come_back() -> None:
    assert await off_loop(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        await off_loop(lambda: 1 // 0)


async def test_the_loop_runs_while_the_work_waits() -> None:
    released = threading.Event()
    work = asyncio.create_task(off_loop(released.wait))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not work.done()
    released.set()
    assert await work


async def test_work_that_does_not_answer_is_given_up() -> None:
    released = threading.Event()
    with pytest.raises(TimeoutError):
        await off_loop(released.wait, timeout_seconds=0.01)
    released.set()


async def test_a_cancellation_that_comes_with_the_answer_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(asyncio, "wrap_future", lambda _: answer)
    task = asyncio.create_task(off_loop(lambda: 3, timeout_seconds=10))
    await asyncio.sleep(0)
    answer.set_result(3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_any_amount_of_work_that_hangs_leaves_room_for_more() -> None:
    released = threading.Event()
    hanging = [asyncio.create_task(off_loop(released.wait)) for _ in range(50)]
    assert await off_loop(lambda: "answer", timeout_seconds=10) == "answer"
    released.set()
    await asyncio.gather(*hanging)


def test_the_program_ends_while_work_hangs() -> None:
    released = threading.Event()

    async def main() -> None:
        task = asyncio.create_task(off_loop(released.wait))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(main())  # a pool would wait here
    released.set()


def test_without_a_loop_the_result_and_the_error_come_back_too() -> None:
    assert answer_of(lambda: 3, timeout_seconds=10, while_waiting=lambda: None) == 3
    with pytest.raises(ZeroDivisionError):
        answer_of(lambda: 1 // 0, timeout_seconds=10, while_waiting=lambda: None)


@pytest.mark.parametrize("cancels", [True, False])
def test_waiting_for_a_drive_has_a_limit_and_can_be_cancelled(monkeypatch: pytest.MonkeyPatch, cancels: bool) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.001)
    released, calls = threading.Event(), 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if cancels:
            raise Cancelled

    with pytest.raises(Cancelled if cancels else TimeoutError):
        answer_of(released.wait, timeout_seconds=0.003, while_waiting=checkpoint)
    released.set()
    assert calls == (1 if cancels else 3)
