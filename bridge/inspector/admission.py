"""Admission to the queue: each request is inspected first, without blocking anything else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Protocol

from bridge.errors import QueueFull
from bridge.groups.open_groups import Ticket
from bridge.model import Job
from bridge.protocols import Inspector
from bridge.protocols.looking import FileLook
from bridge.request import JobRequest


class AdmittingQueue(Protocol):
    """The queue behind an admission; see `scheduler.Scheduler`."""

    def check_room(self, pending: int = 0) -> None: ...

    def enter_group(self, request: JobRequest, sender: str) -> Ticket | None: ...

    def leave_group(self, ticket: Ticket, *, was_full: bool = False) -> None: ...

    def accept(
        self, request: JobRequest, ticket: Ticket | None = None, origin: str = ""
    ) -> Awaitable[tuple[Job, int]]: ...


class Admission:
    """Admits requests to the queue; those of one sender keep their order."""

    def __init__(self, inspector: Inspector, queue: AdmittingQueue) -> None:
        self._inspector = inspector
        self._queue = queue
        self._pending = 0
        self._last: dict[str, asyncio.Future[None]] = {}
        """For each sender with pending requests, a future that is done once the last of them is queued or refused."""

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        """What the headers of files say. See `protocols.Bridge.look`."""
        return await self._inspector.look(paths)

    async def admit(self, request: JobRequest, sender: str, origin: str = "") -> tuple[Job, int]:
        """Inspects a request, then queues it. See `protocols.Bridge.submit`."""
        self._queue.check_room(self._pending)
        ticket = self._queue.enter_group(request, sender)
        previous = self._last.get(sender)
        turn = self._last[sender] = asyncio.get_running_loop().create_future()
        self._pending += 1
        was_full = False
        try:
            try:
                await self._inspector.inspect(request, sender)
                if previous is not None:
                    # Unlike `await previous`, this does not cancel it when we are cancelled.
                    await asyncio.wait({previous})
                accepted = self._queue.accept(request, ticket, origin)
            except QueueFull:  # the worker has become busy meanwhile
                was_full = True
                raise
            finally:  # it has its place, so the next need not wait until it is durable
                self._finish_turn(sender, previous, turn)
            return await accepted
        finally:
            self._pending -= 1
            if ticket is not None:
                self._queue.leave_group(ticket, was_full=was_full)

    def _finish_turn(self, sender: str, previous: asyncio.Future[None] | None, turn: asyncio.Future[None]) -> None:
        """Ends this request's turn; if it was refused early, only once the previous request's turn has ended."""
        if previous is not None and not previous.done():
            previous.add_done_callback(lambda _: self._finish_turn(sender, None, turn))
            return
        turn.set_result(None)
        if self._last.get(sender) is turn:
            del self._last[sender]
