"""Work that may wait for a drive, kept away from the event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from typing import TypeAlias, TypeVar

T = TypeVar("T")

log = logging.getLogger(__name__)

#: After this time a drive counts as one that does not answer.
ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.25
#: (work that may wait for a drive, what follows it) → does both; the second is called on the event loop.
CleanUp: TypeAlias = Callable[[Callable[[], None], Callable[[], None]], None]


def clean_up_at_once(work: Callable[[], None], then: Callable[[], None]) -> None:
    """Waits for the drive: for commands that do one job, and for tests."""
    work()
    then()


async def off_loop(work: Callable[[], T], *, timeout_seconds: float | None = None) -> T:
    """Runs `work` on a daemon thread of its own and returns its result.

    Unlike `asyncio.to_thread`, it has no pool: drives that do not answer block neither later work nor the end of the
    program.

    Args:
        timeout_seconds: None: no limit.

    Raises:
        TimeoutError: the limit has passed; `work` goes on by itself, and its result is dropped.
    """
    result: Future[T] = Future()
    threading.Thread(target=_settle, args=(result, work), daemon=True, name="off-loop").start()
    answer = asyncio.wrap_future(result)
    try:
        # Not `wait_for`: before Python 3.12 it forgets a cancellation that comes together with the answer.
        done, _ = await asyncio.wait({answer}, timeout=timeout_seconds)
        if not done:
            raise TimeoutError(f"no answer within {timeout_seconds} s")
        return answer.result()
    finally:
        answer.cancel()


def answer_of(work: Callable[[], T], *, timeout_seconds: float, while_waiting: Callable[[], None]) -> T:
    """Runs `work` as `off_loop` does, for a program without an event loop.

    Args:
        while_waiting: called several times a second; may raise to stop waiting.

    Raises:
        TimeoutError: the limit has passed; `work` goes on by itself, and its result is dropped.
    """
    result: Future[T] = Future()
    threading.Thread(target=_settle, args=(result, work), daemon=True, name="off-loop").start()
    for _ in range(max(1, round(timeout_seconds / POLL_SECONDS))):
        if wait((result,), POLL_SECONDS).done:
            return result.result()
        while_waiting()
    raise TimeoutError(f"no answer within {timeout_seconds} s")


def _settle(result: Future[T], work: Callable[[], T]) -> None:
    try:
        value = work()
    except BaseException as error:
        with suppress(InvalidStateError):  # nothing waits for it any more
            result.set_exception(error)
    else:
        with suppress(InvalidStateError):
            result.set_result(value)


class BackgroundDiskWork:
    """Work on a drive, in daemon threads, each followed by a call on the event loop: as soon as it is done, or late."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        task = asyncio.create_task(self._run(work, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Waits for all work, each no longer than the limit."""
        await asyncio.gather(*self._tasks)

    async def _run(self, work: Callable[[], None], then: Callable[[], None]) -> None:
        try:
            await off_loop(work, timeout_seconds=self._timeout_seconds)
        except TimeoutError:
            log.warning("a drive does not answer; its temporary files stay")
        except Exception:
            log.exception("temporary files stay")
        then()
