"""The way into the queue: each request is looked at first, while everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.model import Job, JobRequest
from bridge.protocols import Inspector


class Admission:
    """Lets requests into the queue, those of one sender in the order in which they came.

    `check_room` gets how many are on their way in, and raises where there is no place for one more; `enter` queues.
    """

    def __init__(
        self,
        inspector: Inspector,
        check_room: Callable[[int], None],
        enter: Callable[[JobRequest], tuple[Job, int]],
    ) -> None:
        self._inspector = inspector
        self._check_room = check_room
        self._enter = enter
        self._on_their_way = 0
        self._last: dict[str, asyncio.Future[None]] = {}
        """For each sender with requests on their way, what is done as soon as the last of them is in or refused."""

    async def admit(self, request: JobRequest, sender: str) -> tuple[Job, int]:
        """Queues a request that nothing speaks against. See `protocols.Bridge.submit`."""
        self._check_room(self._on_their_way)
        before = self._last.get(sender)
        turn = self._last[sender] = asyncio.get_running_loop().create_future()
        self._on_their_way += 1
        try:
            await self._inspector.inspect(request, sender)
            if before is not None:
                await asyncio.wait({before})  # unlike `await before`, it is not cancelled with us
            return self._enter(request)
        finally:
            self._on_their_way -= 1
            self._pass_on(sender, before, turn)

    def _pass_on(self, sender: str, before: asyncio.Future[None] | None, turn: asyncio.Future[None]) -> None:
        """The turn of whoever comes next, also where this one was refused before its own turn had come."""
        if before is not None and not before.done():
            before.add_done_callback(lambda _: self._pass_on(sender, None, turn))
            return
        turn.set_result(None)
        if self._last.get(sender) is turn:
            del self._last[sender]
