"""A limit for HTTP connections: idle, slow or many ones never use up the files that this process may open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

#: All together; programs that poll need one each, for a moment.
MAX_CONNECTIONS = 32
#: A connection brings one request and takes one answer. Both are small, so this is long, even on a bad network.
CONNECTION_SECONDS = 10.0


class LimitedConnections:
    """Makes the protocol of each connection. The oldest one gives way to one too many, and all end after a time."""

    def __init__(self, handler: Callable[[], asyncio.Protocol], *, seconds: float = CONNECTION_SECONDS) -> None:
        self._handler = handler
        self._seconds = seconds
        self._open: dict[_Connection, None] = {}  # the oldest first

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self._handler(), self)

    @property
    def count(self) -> int:
        return len(self._open)

    def opened(self, connection: _Connection) -> None:
        self._open[connection] = None
        while len(self._open) > MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self.closed(oldest)
            oldest.abort()
        connection.end_after(self._seconds)

    def closed(self, connection: _Connection) -> None:
        self._open.pop(connection, None)


class _Connection(asyncio.Protocol):
    """Passes everything on to the handler of the HTTP library."""

    def __init__(self, handler: asyncio.Protocol, connections: LimitedConnections) -> None:
        self._handler = handler
        self._connections = connections
        self._transport: asyncio.BaseTransport | None = None
        self._end: asyncio.TimerHandle | None = None

    def end_after(self, seconds: float) -> None:
        self._end = asyncio.get_running_loop().call_later(seconds, self.abort)

    def abort(self) -> None:
        if isinstance(self._transport, asyncio.WriteTransport):
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._handler.connection_made(transport)
        self._connections.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._end is not None:
            self._end.cancel()
        self._connections.closed(self)
        self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()
