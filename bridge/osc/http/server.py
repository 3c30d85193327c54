"""The port for programs that explore or poll over HTTP; the HTTP library is loaded when the first one connects.

Most bridges are never asked, and the library costs 0.15 s and 15 MB. So only the port is opened at the start; whoever
connects waits in the system's queue until the library is there.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from bridge.config import DEFAULT_HOST
from bridge.events import Noticed
from bridge.osc.http.view import BridgeView
from bridge.system import sockets

#: (what is shown, the port's socket) → what ends the serving.
Start = Callable[[BridgeView, socket.socket], Awaitable[Callable[[], Awaitable[None]]]]


@asynccontextmanager
async def serve_http(
    shown: BridgeView, *, host: str = DEFAULT_HOST, port: int, notice: Callable[[Noticed], None]
) -> AsyncIterator[str]:
    """Answers for as long as the context lasts; gives the address, as `http://127.0.0.1:9720`.

    Where the port cannot be had, `notice` gets a warning, the address is empty, and all else goes on.

    Args:
        port: 0 takes any free one.
    """
    try:
        door = await sockets.server_socket(host, port, socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        words = f"No HTTP on TCP port {port} of {host} ({reason}). OSC works; choose another port with --http-port."
        notice(Noticed(level="warning", message=words))
        yield ""
        return
    opening = _Opening(shown, door, notice)
    opening.wait_for_somebody()
    try:
        yield sockets.url("http", *door.getsockname()[:2])
    finally:
        await opening.close()
        door.close()


class _Opening:
    """A port behind which the server is made when somebody knocks."""

    def __init__(self, shown: BridgeView, door: socket.socket, notice: Callable[[Noticed], None]) -> None:
        self._shown = shown
        self._door = door
        self._notice = notice
        self._opening: asyncio.Task[None] | None = None
        self._end: Callable[[], Awaitable[None]] | None = None

    def wait_for_somebody(self) -> None:
        try:
            asyncio.get_running_loop().add_reader(self._door, self._open)
        except NotImplementedError:  # Windows' usual loop watches no sockets
            self._open()

    async def close(self) -> None:
        if self._opening is None:
            self._stop_watching()
        else:
            await self._opening
        if self._end is not None:
            await self._end()

    def _open(self) -> None:
        self._stop_watching()
        self._opening = asyncio.create_task(self._load())

    def _stop_watching(self) -> None:
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_reader(self._door)

    async def _load(self) -> None:
        try:
            routes = await asyncio.to_thread(importlib.import_module, "bridge.osc.http.routes")
            start: Start = routes.start_routes
            self._end = await start(self._shown, self._door)
        except (ImportError, OSError) as error:
            self._door.close()  # whoever has connected is not left waiting
            self._notice(Noticed(level="warning", message=f"No HTTP: {error}. Install the bridge again."))
