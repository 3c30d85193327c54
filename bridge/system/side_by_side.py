"""Passes over a whole clip before its first stems: two blocks at a time, because somebody waits for them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

#: Blocks in work at a time. Reading takes turns, and two blocks already fill two cores; more would need more memory.
THREADS = 2


def side_by_side(work: Callable[[int], T], starts: Iterable[int], checkpoint: Callable[[], None]) -> Iterator[T]:
    """`work` on each block, by its first frame, on two threads; yields the results in order.

    `checkpoint` is called before each block, and may raise to stop: then the blocks in work are finished first.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        pending: deque[Future[T]] = deque()
        for start in starts:
            if len(pending) == THREADS:
                yield pending.popleft().result()
            checkpoint()
            pending.append(threads.submit(work, start))
        while pending:
            yield pending.popleft().result()
