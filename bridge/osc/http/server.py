"""The HTTP port, for programs that send jobs or explore the bridge; its library is loaded at the first connection.

Most bridges never get an HTTP request, and the library costs 0.15 s and 15 MB. At the start only the port is opened;
connections wait in the system's queue until the library is loaded.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from bridge.config import DEFAULT_HOST
from bridge.events import Noticed
from bridge.osc.access.gate import Gate
from bridge.osc.http.view import BridgeView
from bridge.system import sockets

#: (view, bound socket, gate) → a function that stops the server.
Start = Callable[[BridgeView, socket.socket, Gate], Awaitable[Callable[[], Awaitable[None]]]]


@asynccontextmanager
async def serve_http(
    view: BridgeView, gate: Gate, *, host: str = DEFAULT_HOST, port: int, notice: Callable[[Noticed], None]
) -> AsyncIterator[str]:
    """Serves for as long as the context lasts; yields the address, as `http://127.0.0.1:9720`.

    If the port cannot be opened, `notice` receives a warning and the address is empty.

    Args:
        gate: who may ask.
        port: 0: any free port.
    """
    try:
        bound_socket = await sockets.server_socket(host, port, socket.SOCK_STREAM)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        words = f"No HTTP on TCP port {port} of {host} ({reason}). OSC works; choose another port with --http-port."
        notice(Noticed(level="warning", message=words))
        yield ""
        return
    lazy = _LazyServer(view, gate, bound_socket, notice)
    lazy.wait_for_connection()
    try:
        yield sockets.url("http", *bound_socket.getsockname()[:2])
    finally:
        await lazy.close()
        bound_socket.close()


class _LazyServer:
    """An open port; its server is started at the first connection."""

    def __init__(
        self, view: BridgeView, gate: Gate, bound_socket: socket.socket, notice: Callable[[Noticed], None]
    ) -> None:
        self._view = view
        self._gate = gate
        self._socket = bound_socket
        self._notice = notice
        self._loading: asyncio.Task[None] | None = None
        self._stop: Callable[[], Awaitable[None]] | None = None

    def wait_for_connection(self) -> None:
        try:
            asyncio.get_running_loop().add_reader(self._socket, self._open)
        except NotImplementedError:  # Windows' default event loop has no add_reader
            self._open()

    async def close(self) -> None:
        if self._loading is None:
            self._stop_watching()
        else:
            await self._loading
        if self._stop is not None:
            await self._stop()

    def _open(self) -> None:
        self._stop_watching()
        self._loading = asyncio.create_task(self._load())

    def _stop_watching(self) -> None:
        with suppress(NotImplementedError):
            asyncio.get_running_loop().remove_reader(self._socket)

    async def _load(self) -> None:
        try:
            routes = await asyncio.to_thread(importlib.import_module, "bridge.osc.http.routes")
            start: Start = routes.start_routes
            self._stop = await start(self._view, self._socket, self._gate)
        except (ImportError, OSError) as error:
            self._socket.close()  # drops the connections that are waiting
            self._notice(Noticed(level="warning", message=f"No HTTP: {error}. Install the bridge again."))
