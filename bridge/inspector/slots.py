"""Room for a limited number of inspections at a time, shared fairly between the senders."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Slots:
    """At most `total` holders at a time, and at most `per_sender` of each sender; senders take turns.

    A freed slot wakes exactly one that waits, so that a burst of requests costs no more than their number.
    """

    def __init__(self, total: int, per_sender: int) -> None:
        self._total = total
        self._per_sender = per_sender
        self._active: Counter[str] = Counter()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        """By sender, whose turn is next first."""

    @asynccontextmanager
    async def slot(self, sender: str, timeout_seconds: float) -> AsyncIterator[None]:
        """Holds one slot for the block. Raises asyncio.TimeoutError if none is free in time."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(sender, deque()).append(turn)
        self._give_turns()
        try:
            if not turn.done():
                await asyncio.wait({turn}, timeout=timeout_seconds)
            if not turn.done():
                raise asyncio.TimeoutError
            yield
        finally:
            if turn.done() and not turn.cancelled():
                self._active -= Counter([sender])
                self._give_turns()
            else:
                turn.cancel()

    def _give_turns(self) -> None:
        """Gives every slot that is free to one that waits and may have it."""
        while self._active.total() < self._total and self._give_turn():
            continue

    def _give_turn(self) -> bool:
        for sender, waiting in [*self._waiting.items()]:
            while waiting and waiting[0].done():  # given up
                waiting.popleft()
            if not waiting:
                del self._waiting[sender]
            elif self._active[sender] < self._per_sender:
                self._active[sender] += 1
                waiting.popleft().set_result(None)
                self._waiting[sender] = self._waiting.pop(sender)  # behind the others
                return True
        return False
