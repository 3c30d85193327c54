"""The OSC server: datagrams in, `Bridge` calls, answers and pushes out. It holds no job logic."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
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
from bridge.osc.peers import Endpoint, Peer, Peers
from bridge.osc.publisher import Publisher
from bridge.processes.show_folder import show_folder
from bridge.protocols import Bridge, Clock
from bridge.request import JobRequest
from bridge.system import sockets

log = logging.getLogger(__name__)

#: Holds the messages that arrive while the event loop is busy.
RECEIVE_BUFFER_BYTES = 1 << 20


class CannotListen(RequestError):  # noqa: N818 - named as in bridge.errors
    """The UDP port is in use, or may not be opened."""


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
    show_folder: Callable[[str, Sequence[str]], Awaitable[None]] = show_folder,
) -> AsyncIterator[OscServer]:
    """Serves for as long as the context lasts.

    Args:
        port: 0: any free port; see `OscServer.port`.
        defaults: what a job gets if its client leaves an option out.
        notice: receives a log line when a handler fails unexpectedly.
        announce_to: (host, port) of each client that receives `/sab/startup`; UDP itself has no such notification.
        show_folder: as `bridge.processes.show_folder.show_folder`.

    Raises:
        CannotListen: the address cannot be opened.
    """
    context = ServerContext(bridge=bridge, peers=Peers(clock), defaults=defaults, show_folder=show_folder)
    try:
        bound_socket = await sockets.server_socket(host, port, socket.SOCK_DGRAM)
        _, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: OscServer(context, clock, notice), sock=bound_socket
        )
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: not a valid host name
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(
            f"Cannot listen for OSC on UDP port {port} of {host}: {reason}.",
            advice="Is another bridge running? Quit it, or choose another port with --port.",
        ) from error
    unsubscribe = bridge.subscribe(server.publisher.on_event)
    try:
        for client_host, client_port in announce_to:
            server.send([STARTUP(__version__)], (sockets.host_in_family(bound_socket.family, client_host), client_port))
        yield server
    finally:
        unsubscribe()
        await server.close()


class OscServer(asyncio.DatagramProtocol):
    """Serves protocol 1 on one UDP socket; made by `serve_osc`."""

    def __init__(self, context: ServerContext, clock: Clock, notice: Callable[[Noticed], None]) -> None:
        self.publisher = Publisher(context.bridge, context.peers, self.send)
        self._context = context
        self._peers = context.peers
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
    def subscribers(self) -> list[tuple[str, int]]:
        """(host, port) of each client to notify when a bridge starts again."""
        return [peer.endpoint[:2] for peer in self._peers.all_recipients()]

    @property
    def url(self) -> str:
        return sockets.url("osc.udp", self.host, self.port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # not its subclass before Python 3.12
        with suppress(OSError):  # the system may allow only a smaller buffer
            bound_socket = transport.get_extra_info("socket")
            bound_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        _ignore_unreachable_clients(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        """A client that cannot be reached loses its subscription when its time-to-live ends."""

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        for message in decode(data):
            if is_answer(message.address):
                continue
            if isinstance(message, Rejected):
                self._reject(self._peers.renew(addr), message.address, message.error, "")
            else:
                self._answer(message, addr)

    def send(self, messages: Iterable[Message], endpoint: Endpoint) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for message in messages:
            self._transport.sendto(encode(message), endpoint)

    async def close(self) -> None:
        """Sends `/sab/bye`, and cancels the answers that are not complete."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self._peers.all_recipients():
            self.send([BYE(__version__)], peer.endpoint)
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()  # until the last datagram is sent

    def _answer(self, message: Message, source: Endpoint) -> None:
        peer = self._peers.renew(source)
        address = message.address
        try:
            arguments = read_arguments(message)
        except BridgeError as error:
            self._reject(peer, address, error, find_req(message))
            return
        if arguments.req and self._repeat_answer(peer, address, arguments.req):
            return
        with self.publisher.deferred():
            try:
                replies = HANDLERS[address](Call(self._context, source, peer, arguments))
            except Exception as error:
                self._fail(source, address, arguments, error)
                return
            if isinstance(replies, list):
                self._complete(source, address, arguments, replies)
                return
        task = asyncio.ensure_future(self._answer_later(source, address, arguments, replies))
        self._tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    @coroutine
    def _answer_later(
        self, source: Endpoint, address: str, arguments: Arguments, replies: Awaitable[list[Message]]
    ) -> Generator[Any, Any, None]:
        """Awaits the replies; events from the handler's last step are deferred until the answer is sent."""
        steps = replies.__await__()
        resume: Callable[[], Any] = partial(next, steps)
        while True:
            with self.publisher.deferred():
                try:
                    awaited = resume()
                except StopIteration as end:
                    self._complete(source, address, arguments, end.value)
                    return
                except Exception as error:
                    self._fail(source, address, arguments, error)
                    return
            try:
                resume = partial(steps.send, (yield awaited))
            except BaseException as error:  # includes cancellation when the server closes
                resume = partial(steps.throw, error)

    def _repeat_answer(self, peer: Peer, address: str, req: str) -> bool:
        """Repeats the answer to a request that was received before; else remembers the request."""
        now = self._clock.monotonic_seconds()
        answer = peer.recent_answers.recall(address, req, now)
        if answer is None:
            peer.recent_answers.begin(address, req, now)
            return False
        self._reply(peer, answer.replies or ())
        return True

    def _complete(self, source: Endpoint, address: str, arguments: Arguments, replies: list[Message]) -> None:
        peer = self._peers.of(source)  # a hello may just have changed its endpoint
        answer = peer.recent_answers.recall(address, arguments.req, self._clock.monotonic_seconds())
        if answer is not None:
            answer.replies = replies
        self._reply(peer, replies)

    def _fail(self, source: Endpoint, address: str, arguments: Arguments, error: Exception) -> None:
        peer = self._peers.of(source)
        peer.recent_answers.forget(address, arguments.req)
        if not isinstance(error, BridgeError):
            log.error("%s failed", address, exc_info=error)
            self._notice(Noticed(level="error", message=f"{address} failed: {type(error).__name__}: {error}"))
            error = InternalError(f"{address} failed: {type(error).__name__}.")
        self._reject(peer, address, error, arguments.subject)

    def _reject(self, peer: Peer, address: str, error: BridgeError, subject: str) -> None:
        self._reply(peer, [FAIL(address, error.code, str(error), subject)])

    def _reply(self, peer: Peer, messages: Iterable[Message]) -> None:
        replies = tuple(messages)
        for endpoint in peer.endpoints:
            self.send(replies, endpoint)

    def _socket_name(self) -> Endpoint:
        assert self._transport is not None
        name: Endpoint = self._transport.get_extra_info("sockname")
        return name


def _ignore_unreachable_clients(transport: asyncio.DatagramTransport) -> None:
    """Stops Windows from reporting ICMP's "port unreachable" as an error of this socket.

    Otherwise the next read raises ConnectionResetError, after which asyncio's proactor loop (before Python 3.13) reads
    no further datagram. Python's own `socket.ioctl` does not support SIO_UDP_CONNRESET.
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
