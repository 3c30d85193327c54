"""The OSC server: datagrams in, `Bridge` calls, answers and pushes out. It holds no job logic."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import coroutine
from typing import Any, cast

from bridge import __version__
from bridge.config import DEFAULT_HOST, DEFAULT_PORT
from bridge.errors import BridgeError, InternalError, RequestError
from bridge.events import Noticed
from bridge.osc.addresses import BYE, FAIL, STARTUP, Message, is_answer
from bridge.osc.arguments import Arguments, find_req, read_arguments
from bridge.osc.codec import Rejected, decode, encode
from bridge.osc.handlers import HANDLERS, Call, ServerContext
from bridge.osc.publisher import Publisher
from bridge.osc.subscribers import Client, Clients, Endpoint
from bridge.protocols import Bridge, Clock
from bridge.request import JobRequest
from bridge.system import sockets

#: Room for the messages of a moment in which the loop is busy.
RECEIVE_BUFFER_BYTES = 1 << 20


class CannotListen(RequestError):  # noqa: N818 - named as in bridge.errors
    """The UDP port is taken, or not ours to take."""


@asynccontextmanager
async def serve_osc(
    bridge: Bridge,
    clock: Clock,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    defaults: JobRequest,
    notice: Callable[[Noticed], None],
    announce_to: Iterable[tuple[str, int]] = (),
) -> AsyncIterator[OscServer]:
    """Listens for as long as the context lasts.

    Args:
        port: 0 takes any free one; see `OscServer.port`.
        defaults: what a job gets where its client leaves an option out.
        notice: gets a line for the log where a handler failed unexpectedly.
        announce_to: where `/sab/startup` goes, as UDP itself tells nobody that a server has come.

    Raises:
        CannotListen: the address cannot be bound.
    """
    desk = ServerContext(bridge=bridge, clients=Clients(clock), defaults=defaults)
    try:
        own = await sockets.server_socket(host, port, socket.SOCK_DGRAM)
        _, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: OscServer(desk, clock, notice), sock=own
        )
    except (OSError, OverflowError, UnicodeError) as error:  # the last: no host is called so
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(
            f"Cannot listen for OSC on UDP port {port} of {host}: {reason}.",
            advice="Is another bridge running? End it, or choose another port with --port.",
        ) from error
    unsubscribe = bridge.subscribe(server.publisher.on_event)
    try:
        for listener, listening_port in announce_to:
            server.send([STARTUP(__version__)], (sockets.host_in_family(own.family, listener), listening_port))
        yield server
    finally:
        unsubscribe()
        await server.close()


class OscServer(asyncio.DatagramProtocol):
    """Speaks protocol 1 on one UDP socket; made by `serve_osc`."""

    def __init__(self, desk: ServerContext, clock: Clock, notice: Callable[[Noticed], None]) -> None:
        self.publisher = Publisher(desk.bridge, desk.clients, clock, self.send)
        self._desk = desk
        self._clients = desk.clients
        self._clock = clock
        self._notice = notice
        self._transport: asyncio.DatagramTransport | None = None
        self._closed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        return str(self._socket_name()[0])

    @property
    def port(self) -> int:
        return int(self._socket_name()[1])

    @property
    def listeners(self) -> list[tuple[str, int]]:
        """Where those listen who want to know when a bridge is there again."""
        return [client.endpoint[:2] for client in self._clients.audience()]

    @property
    def url(self) -> str:
        return sockets.url("osc.udp", self.host, self.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # not its subclass before Python 3.12
        with suppress(OSError):  # the system may allow less; then a burst loses more
            own = transport.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        _ignore_unreachable_clients(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        """A client that is gone, or cannot be reached, loses its subscription by its time-to-live."""

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        for message in decode(data):
            if is_answer(message.address):
                continue
            if isinstance(message, Rejected):
                self._reject(self._clients.heard(addr), message.address, message.error, "")
            else:
                self._answer(message, addr)

    def send(self, messages: Iterable[Message], endpoint: Endpoint) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for message in messages:
            self._transport.sendto(encode(message), endpoint)

    async def close(self) -> None:
        """Says goodbye, and gives up the answers that are still being worked out."""
        self.publisher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for client in self._clients.audience():
            self.send([BYE(__version__)], client.endpoint)
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()  # until the last datagram is out

    def _answer(self, message: Message, source: Endpoint) -> None:
        client = self._clients.heard(source)
        address = message.address
        try:
            arguments = read_arguments(message)
        except BridgeError as error:
            self._reject(client, address, error, find_req(message))
            return
        if arguments.req and self._is_repeated(client, address, arguments.req):
            return
        with self.publisher.held():
            try:
                replies = HANDLERS[address](Call(self._desk, source, client, arguments))
            except Exception as error:
                self._failed(source, address, arguments, error)
                return
            if isinstance(replies, list):
                self._settle(source, address, arguments, replies)
                return
        task = asyncio.ensure_future(self._answer_later(source, address, arguments, replies))
        self._tasks.add(task)  # the loop itself would let it be collected
        task.add_done_callback(self._tasks.discard)

    @coroutine
    def _answer_later(
        self, source: Endpoint, address: str, arguments: Arguments, replies: Awaitable[list[Message]]
    ) -> Generator[Any, Any, None]:
        """Awaits the replies; what a step of the handler causes is held back until the answer, if it was the last."""
        steps = replies.__await__()
        go_on: Callable[[], Any] = partial(next, steps)
        while True:
            with self.publisher.held():
                try:
                    awaited = go_on()
                except StopIteration as end:
                    self._settle(source, address, arguments, end.value)
                    return
                except Exception as error:
                    self._failed(source, address, arguments, error)
                    return
            try:
                go_on = partial(steps.send, (yield awaited))
            except BaseException as error:  # also that the server closes
                go_on = partial(steps.throw, error)

    def _is_repeated(self, client: Client, address: str, req: str) -> bool:
        """Answers a request that was seen before as it was answered then; else takes note of it."""
        now = self._clock.monotonic_seconds()
        answer = client.memory.recall(address, req, now)
        if answer is None:
            client.memory.begin(address, req, now)
            return False
        self._reply(client, answer.replies or ())
        return True

    def _settle(self, source: Endpoint, address: str, arguments: Arguments, replies: list[Message]) -> None:
        client = self._clients.of(source)  # a hello may just have moved it
        answer = client.memory.recall(address, arguments.req, self._clock.monotonic_seconds())
        if answer is not None:
            answer.replies = replies
        self._reply(client, replies)

    def _failed(self, source: Endpoint, address: str, arguments: Arguments, error: Exception) -> None:
        client = self._clients.of(source)
        client.memory.forget(address, arguments.req)
        if not isinstance(error, BridgeError):
            self._notice(Noticed(level="error", message=f"{address} failed: {type(error).__name__}: {error}"))
            error = InternalError(f"{address} failed: {type(error).__name__}.")
        self._reject(client, address, error, arguments.subject)

    def _reject(self, client: Client, address: str, error: BridgeError, subject: str) -> None:
        self._reply(client, [FAIL(address, error.code, str(error), subject)])

    def _reply(self, client: Client, messages: Iterable[Message]) -> None:
        told = tuple(messages)
        for endpoint in client.endpoints:
            self.send(told, endpoint)

    def _socket_name(self) -> Endpoint:
        assert self._transport is not None
        name: Endpoint = self._transport.get_extra_info("sockname")
        return name


def _ignore_unreachable_clients(transport: asyncio.DatagramTransport) -> None:
    """Tells Windows not to report ICMP's "port unreachable" as an error of this socket.

    Without it the next read raises ConnectionResetError, after which asyncio's proactor loop (before Python 3.13)
    reads no further datagram. Python's own `socket.ioctl` does not know SIO_UDP_CONNRESET.
    """
    if sys.platform == "win32":
        import ctypes

        ignore, returned = ctypes.c_ulong(0), ctypes.c_ulong()
        ctypes.windll.ws2_32.WSAIoctl(
            ctypes.c_size_t(transport.get_extra_info("socket").fileno()),
            ctypes.c_ulong(0x9800000C),
            ctypes.byref(ignore),
            ctypes.sizeof(ignore),
            None,
            0,
            ctypes.byref(returned),
            None,
            None,
        )
