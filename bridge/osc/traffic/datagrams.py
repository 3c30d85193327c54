"""The server's UDP sockets: one, or one for each loopback address."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, cast

from bridge.config import DEFAULT_HOST
from bridge.osc.traffic import kernel_filter
from bridge.osc.traffic.endpoints import Endpoint
from bridge.system import sockets

#: Holds the datagrams that arrive while the event loop is busy; Linux grants less.
RECEIVE_BUFFER_BYTES = 1 << 22
#: How many waiting datagrams are read before anything else gets its turn; asyncio alone would read one.
MAX_AT_ONCE = 512
MAX_DATAGRAM_BYTES = 65_536
#: The programs that prefer IPv6 send to this address where the default one is meant.
OTHER_LOOPBACK = "::1"

# Linux's numbers, which Python's `socket` does not name.
_IP_RECVERR, _IPV6_RECVERR = 11, 25


@dataclass(frozen=True)
class Receiver:
    """What becomes of what arrives."""

    datagram: Callable[[bytes, Endpoint], None]
    end: Callable[[], None]
    """Called after the datagrams that have arrived together."""
    unreachable: Callable[[Endpoint], None]
    """Nobody listens at that port any more. Only Linux tells."""


async def bind_sockets(host: str, port: int, warn: Callable[[str], None]) -> list[socket.socket]:
    """Binds UDP `port` (0: any free one) of `host`; of the default host, on IPv6's loopback address as well.

    Args:
        warn: receives a sentence if only IPv6's is taken.

    Raises:
        OSError, OverflowError, UnicodeError: it cannot be bound.
    """
    bound = [await sockets.server_socket(host, port, socket.SOCK_DGRAM)]
    if host == DEFAULT_HOST:
        try:
            bound.append(await sockets.server_socket(OTHER_LOOPBACK, bound[0].getsockname()[1], socket.SOCK_DGRAM))
        except OSError as error:
            if error.errno == errno.EADDRINUSE and port:
                warn(
                    f"Programs that send OSC to {OTHER_LOOPBACK} are not heard: another one has UDP port {port} there."
                )
    return bound


async def open_sockets(bound: Sequence[socket.socket], receiver: Receiver) -> DatagramSockets:
    """Passes what arrives, and what has arrived since they were bound, to `receiver`."""
    return DatagramSockets([await _open(one, receiver) for one in bound])


class DatagramSockets:
    """Open sockets with one port number; made by `open_sockets`."""

    def __init__(self, opened: list[_Socket]) -> None:
        self._sockets = opened
        self._by_ipv6 = {":" in one.name[0]: one for one in reversed(opened)}

    @property
    def name(self) -> Endpoint:
        """The address and port of the first one."""
        return self._sockets[0].name

    @property
    def unsent_bytes(self) -> int:
        return max(one.unsent_bytes for one in self._sockets)

    def endpoint(self, host: str, port: int) -> Endpoint | None:
        """A numeric address and a port as one of the sockets reports it; None if none can reach it."""
        if len(self._sockets) > 1:
            return (host, port) if self._by_ipv6.get(":" in host) is not None else None
        return sockets.host_in_family(self._sockets[0].family, host), port

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        """To an endpoint that one of the sockets has reported, or `endpoint`; after the end it does nothing."""
        one = self._by_ipv6.get(":" in endpoint[0]) if len(self._sockets) > 1 else self._sockets[0]
        if one is not None:
            one.send(datagram, endpoint)

    def filter(self, program: bytes | None) -> None:
        """Has the system drop what the program does not let through: see `kernel_filter`. None: nothing."""
        for one in self._sockets:
            one.filter(program)

    async def close(self) -> None:
        """Closes them when everything is sent."""
        for one in self._sockets:
            await one.close()


async def _open(bound_socket: socket.socket, receiver: Receiver) -> _Socket:
    _, opened = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Socket(bound_socket, receiver), sock=bound_socket
    )
    return opened


class _Transport(Protocol):
    """What we use of asyncio's transports for datagrams; typeshed leaves a method out."""

    def sendto(self, data: bytes, addr: Endpoint | None = None) -> None: ...

    def get_write_buffer_size(self) -> int: ...

    def is_closing(self) -> bool: ...

    def close(self) -> None: ...


class _Socket(asyncio.DatagramProtocol):
    """One socket, and asyncio's transport for it."""

    def __init__(self, bound_socket: socket.socket, receiver: Receiver) -> None:
        self.family = bound_socket.family
        self.name: Endpoint = bound_socket.getsockname()
        self._socket = bound_socket
        self._receiver = receiver
        self._transport: _Transport | None = None
        self._closed = asyncio.Event()

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(_Transport, transport)
        with suppress(OSError):  # the system may allow only a smaller buffer
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        _ask_for_errors(self._socket)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closed.set()

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        self._receiver.datagram(data, addr)
        if sys.platform != "win32":  # there asyncio reads ahead by itself
            self._read_waiting()
        self._receiver.end()

    def _read_waiting(self) -> None:
        for _ in range(MAX_AT_ONCE):
            try:
                data, addr = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.error_received(error)
            else:
                self._receiver.datagram(data, addr)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 - asyncio's signature
        """A datagram that was sent before did not arrive; Linux tells to whom."""
        for endpoint in _refused(self._socket):
            self._receiver.unreachable(endpoint)

    def send(self, datagram: bytes, endpoint: Endpoint) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        if sys.platform == "linux" and not self.unsent_bytes:
            # Linux reports that an earlier datagram was refused at the next call, which then sends nothing: so do it
            # again, or the datagram of somebody else is lost.
            for _ in range(2):
                try:
                    self._socket.sendto(datagram, endpoint)
                    return
                except (BlockingIOError, InterruptedError):
                    break
                except OSError as error:
                    self.error_received(error)
        self._transport.sendto(datagram, endpoint)

    def filter(self, program: bytes | None) -> None:
        kernel_filter.attach(self._socket, program)

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()


def _refused(own_socket: socket.socket) -> list[Endpoint]:
    """To whom datagrams were sent where nobody listens, since the last call."""
    refused: list[Endpoint] = []
    if sys.platform == "linux":
        with suppress(OSError):  # BlockingIOError: no further one
            while True:
                _, ancillary, _, endpoint = own_socket.recvmsg(0, 512, socket.MSG_ERRQUEUE)
                numbers = [struct.unpack_from("=I", data)[0] for _, _, data in ancillary if len(data) >= 4]
                if errno.ECONNREFUSED in numbers:
                    refused.append(endpoint)
    return refused


def _ask_for_errors(own_socket: socket.socket) -> None:
    """Lets Linux report whose port is closed, and stops Windows from reporting it.

    On Windows the next read would raise ConnectionResetError, after which asyncio's proactor loop (before Python 3.13)
    reads no further datagram. Python's own `socket.ioctl` does not support SIO_UDP_CONNRESET.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            own_socket.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        if own_socket.family == socket.AF_INET6:
            with suppress(OSError):
                own_socket.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
    elif sys.platform == "win32":
        import ctypes

        ignore, returned = ctypes.c_ulong(0), ctypes.c_ulong()
        ctypes.windll.ws2_32.WSAIoctl(
            ctypes.c_size_t(own_socket.fileno()),
            ctypes.c_ulong(0x9800000C),
            ctypes.byref(ignore),
            ctypes.sizeof(ignore),
            None,
            0,
            ctypes.byref(returned),
            None,
            None,
        )
