"""Limits for HTTP connections: idle, slow or many ones never use up the files that this process may open.

A connection has ten seconds, and the oldest gives way to one too many. One that has shown the token, and carries a
clip, a file or events, is granted more: as long as it moves, and a limited number of each kind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from bridge.errors import TooManyClients

#: All together; programs that poll need one each, for a moment.
MAX_CONNECTIONS = 32
#: A connection brings one request and takes one answer. Both are small, so this is long, even on a bad network.
CONNECTION_SECONDS = 10.0
#: How long a granted connection may stand still.
STILL_SECONDS = 30.0
#: The slowest sender or reader that is waited for.
SLOWEST_BYTES_PER_SECOND = 16_384

Grant = Literal["upload", "download", "events"]
#: Granted connections at one time; they do not count among the others.
MAX_GRANTED: dict[Grant, int] = {"upload": 4, "download": 8, "events": 16}


class LimitedConnections:
    """Makes the protocol of each connection. The oldest one gives way to one too many, and all end after a time."""

    def __init__(self, handler: Callable[[], asyncio.Protocol], *, seconds: float = CONNECTION_SECONDS) -> None:
        self._handler = handler
        self._seconds = seconds
        self._open: dict[HttpConnection, None] = {}  # the oldest first
        self._granted: dict[Grant, int] = dict.fromkeys(MAX_GRANTED, 0)

    def __call__(self) -> asyncio.Protocol:
        return HttpConnection(self._handler(), self)

    @property
    def count(self) -> int:
        return len(self._open)

    def opened(self, connection: HttpConnection) -> None:
        self._open[connection] = None
        while len(self._open) > MAX_CONNECTIONS:
            oldest = next(iter(self._open))
            self.closed(oldest)
            oldest.abort()
        connection.end_after(self._seconds)

    def closed(self, connection: HttpConnection) -> None:
        self._open.pop(connection, None)

    @contextmanager
    def grant(self, connection: HttpConnection, kind: Grant) -> Iterator[None]:
        """See `HttpConnection.granted`."""
        if self._granted[kind] >= MAX_GRANTED[kind]:
            raise TooManyClients(
                f"There are {MAX_GRANTED[kind]} connections for {kind} already.",
                advice="Ask again when one of them has ended.",
            )
        self._granted[kind] += 1
        self.closed(connection)
        try:
            yield
        finally:
            self._granted[kind] -= 1


class HttpConnection(asyncio.Protocol):
    """Passes everything on to the handler of the HTTP library."""

    def __init__(self, handler: asyncio.Protocol, connections: LimitedConnections) -> None:
        self._handler = handler
        self._connections = connections
        self._transport: asyncio.BaseTransport | None = None
        self._end: asyncio.TimerHandle | None = None
        self._started_seconds = 0.0
        self._bytes = 0

    @contextmanager
    def granted(self, kind: Grant) -> Iterator[None]:
        """The connection stays for as long as the block lasts, if it moves; afterwards it soon ends.

        Raises:
            TooManyClients: there are too many of this kind.
        """
        with self._connections.grant(self, kind):
            self._started_seconds, self._bytes = asyncio.get_running_loop().time(), 0
            self.end_after(STILL_SECONDS)
            try:
                yield
            finally:
                self.end_after(CONNECTION_SECONDS)

    def moved(self, count: int) -> None:
        """So many more bytes have come, or gone: the connection may stay, unless it is too slow altogether."""
        self._bytes += count
        taken = asyncio.get_running_loop().time() - self._started_seconds
        self.end_after(min(STILL_SECONDS, STILL_SECONDS + self._bytes / SLOWEST_BYTES_PER_SECOND - taken))

    def lives(self) -> None:
        """The other side has taken all that was sent to it: the connection may stay, however little that was."""
        self.end_after(STILL_SECONDS)

    def end_after(self, seconds: float) -> None:
        if self._end is not None:
            self._end.cancel()
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
        self._transport = None
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


def connection_of(transport: asyncio.BaseTransport | None) -> HttpConnection:
    """The connection of a request. Raises ConnectionResetError if it is gone."""
    found = transport.get_protocol() if isinstance(transport, asyncio.Transport) else None
    if not isinstance(found, HttpConnection):
        raise ConnectionResetError
    return found
