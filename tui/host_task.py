"""The task in which the bridge is opened, runs, and is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bridge.errors import BridgeError
from tui.boundary import only_bridge_errors
from tui.host import OpenBridge, ScreenHost


class HostTask:
    """Opens and closes the bridge in the same task, as asyncio's context managers require."""

    def __init__(
        self,
        open_bridge: OpenBridge,
        on_opened: Callable[[ScreenHost], object],
        on_closed: Callable[[BridgeError | None], object],
    ) -> None:
        """`on_opened` is called when the bridge runs, `on_closed` when it is closed or has failed, with the error."""
        self._open_bridge = open_bridge
        self._on_opened = on_opened
        self._on_closed = on_closed
        self._close_requested = asyncio.Event()
        self._is_open = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_closing(self) -> bool:
        return self._close_requested.is_set()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="host the bridge")

    def request_close(self) -> None:
        """Starts to close the bridge; `on_closed` follows."""
        self._close_requested.set()

    async def end(self) -> None:
        """Closes the bridge and waits for that; a bridge that is still opening is cancelled."""
        self._close_requested.set()
        if self._task is not None:
            if not self._is_open:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            with only_bridge_errors():
                async with self._open_bridge() as host:
                    self._is_open = True
                    self._on_opened(host)
                    await self._until_closed(host)
        except BridgeError as error:
            self._on_closed(error)
        else:
            self._on_closed(None)

    async def _until_closed(self, host: ScreenHost) -> None:
        """Returns when the bridge is to be closed. Raises BridgeError: it has ended by itself."""
        ends = (asyncio.create_task(host.until_ended()), asyncio.create_task(self._close_requested.wait()))
        try:
            done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
