"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float) -> T:
    """What `work` returns; it is cancelled, and waited for, when the time has passed or the caller is cancelled.

    Unlike `asyncio.wait_for` before Python 3.12, it never forgets a cancellation that comes together with the answer:
    a task that is told to end would go on for ever.

    Raises:
        asyncio.TimeoutError: the time has passed.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
    finally:
        is_late = not task.done()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # asyncio warns of one that nobody asks for
    if is_late and task.cancelled():
        raise asyncio.TimeoutError
    return task.result()
