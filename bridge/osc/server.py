"""The OSC server: datagrams in, `Bridge` calls, answers and pushes out. It holds no job logic."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import coroutine
from typing import Any

from bridge import __version__
from bridge.config import DEFAULT_HOST, DEFAULT_PORT
from bridge.connections.values import ClientSeen
from bridge.connections.wire import Wire
from bridge.errors import BridgeError, Busy, InternalError, NotFound, RequestError
from bridge.events import Noticed
from bridge.osc.access.gate import Gate, Rules
from bridge.osc.addresses import BYE, FAIL, HELLO, STARTUP, Message, is_answer
from bridge.osc.arguments import Arguments, find_req, read_arguments
from bridge.osc.codec import Rejected, encode
from bridge.osc.handlers import HANDLERS, Call, ServerContext
from bridge.osc.peers import Peer, Peers
from bridge.osc.publisher import Publisher
from bridge.osc.recent_answers import Answer, Asked, RecentAnswers
from bridge.osc.returning import returning, take_up
from bridge.osc.traffic.arrivals import Arrivals
from bridge.osc.traffic.datagrams import DatagramSockets, Receiver, bind_sockets, open_sockets
from bridge.osc.traffic.endpoints import Endpoint, is_local, machine_of
from bridge.osc.traffic.flood_guard import FloodGuard
from bridge.osc.traffic.ledger import IGNORED, Ledger
from bridge.osc.traffic.limits import Intake
from bridge.osc.traffic.outbox import Outbox
from bridge.processes.show_folder import show_folder
from bridge.protocols import Bridge, Clock
from bridge.request import JobRequest
from bridge.store.returning_subscribers import ReturningSubscriber
from bridge.system import sockets

log = logging.getLogger(__name__)

#: How often old tokens and silent clients are forgotten, and what a next start must know is stored.
TICK_SECONDS = 1.0
TICKS_PER_SWEEP = 10
#: Requests that need time, as submissions whose files are being checked; further requests are refused.
MAX_PENDING = 4_096


class CannotListen(RequestError):  # noqa: N818 - named as in bridge.errors
    """The UDP port is in use, or may not be opened."""


async def open_address(host: str, port: int, notice: Callable[[Noticed], None]) -> list[socket.socket]:
    """The sockets of a server that does not answer yet; what arrives waits for `serve_osc`.

    Raises:
        CannotListen: the address cannot be opened.
    """
    try:
        return await bind_sockets(host, port, lambda words: notice(Noticed(level="warning", message=words)))
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: not a valid host name
        reason = getattr(error, "strerror", None) or error
        raise CannotListen(
            f"Cannot listen for OSC on UDP port {port} of {host}: {reason}.",
            advice="Is another bridge running? Quit it, or choose another port with --port.",
        ) from error


@asynccontextmanager
async def serve_osc(
    bridge: Bridge,
    clock: Clock,
    *,
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    defaults: JobRequest,
    notice: Callable[[Noticed], None],
    returning: Iterable[ReturningSubscriber] = (),
    remember: Callable[[tuple[ReturningSubscriber, ...]], None] = lambda _: None,
    bound_sockets: Sequence[socket.socket] = (),
    gate: Gate | None = None,
    show_folder: Callable[[str, Sequence[str]], Awaitable[None]] = show_folder,
    wire: Wire | None = None,
) -> AsyncIterator[OscServer]:
    """Serves for as long as the context lasts.

    Args:
        port: 0: any free port; see `OscServer.port`.
        defaults: what a job gets if its client leaves an option out.
        notice: receives a log line when a handler fails unexpectedly.
        returning: the clients of the run before, however that ended: each receives `/sab/startup`, and what it had
            subscribed to or follows.
        remember: receives those clients of this run when they have changed, at most once a second; it must not block.
        bound_sockets: from `open_address`, if the address had to be ours before the server could begin.
        gate: who may ask; None: any program of this machine.
        show_folder: as `bridge.processes.show_folder.show_folder`.
        wire: is told of every message.

    Raises:
        CannotListen: the address cannot be opened.
    """
    context = ServerContext(bridge=bridge, peers=Peers(clock), defaults=defaults, show_folder=show_folder)
    ledger = Ledger(clock, wire or Wire(clock), notice)
    server = OscServer(context, clock, notice, remember, gate or Gate(Rules(), clock), ledger)
    await server.open(bound_sockets or await open_address(host, port, notice))
    unsubscribe = bridge.subscribe(server.publisher.on_event)
    try:
        server.greet(returning)
        yield server
    finally:
        unsubscribe()
        await server.close()


class OscServer:
    """Serves protocol 1 on one UDP port; made by `serve_osc`."""

    def __init__(
        self,
        context: ServerContext,
        clock: Clock,
        notice: Callable[[Noticed], None],
        remember: Callable[[tuple[ReturningSubscriber, ...]], None],
        gate: Gate,
        ledger: Ledger,
    ) -> None:
        self._context = context
        self._ledger = ledger
        self._peers = context.peers
        self._notice = notice
        self._remember = remember
        self._remembered: tuple[ReturningSubscriber, ...] = ()
        self._gate = gate
        self._intake = Intake(clock)
        self._flood_guard = FloodGuard(clock.monotonic_seconds, self._filter)
        self._arrivals = Arrivals(self._intake, self._handle, self._dropped)
        self._recent = RecentAnswers(clock)
        self._sockets: DatagramSockets | None = None
        self._outbox = Outbox(self._send_datagram, lambda: self._sockets.unsent_bytes if self._sockets else 0)
        self.publisher = Publisher(context.bridge, context.peers, self._push)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def host(self) -> str:
        return str(self._open_sockets.name[0])

    @property
    def port(self) -> int:
        return int(self._open_sockets.name[1])

    @property
    def subscribers(self) -> tuple[ReturningSubscriber, ...]:
        """Each client to notify, and to go on with, when a bridge starts again."""
        return tuple(map(returning, self._peers.all_recipients()))

    def clients(self) -> tuple[ClientSeen, ...]:
        """The programs that have sent messages, or receive them; who was active last is first."""
        return self._ledger.clients(self._peers.has_subscribed)

    @property
    def url(self) -> str:
        return sockets.url("osc.udp", self.host, self.port)

    async def open(self, bound_sockets: Sequence[socket.socket]) -> None:
        """Answers on these sockets from now on."""
        receiver = Receiver(datagram=self._receive, end=self._have_arrived, unreachable=self._peers.forget_dead)
        self._sockets = await open_sockets(bound_sockets, receiver)
        ticking = asyncio.ensure_future(self._tick())
        self._tasks.add(ticking)

    def greet(self, clients: Iterable[ReturningSubscriber]) -> None:
        """Tells the clients of the run before that there is a bridge again, and goes on with them."""
        for client in clients:
            endpoint = self._open_sockets.endpoint(client.host, client.port)
            if endpoint is not None:
                take_up(self._peers, client, endpoint)
                self._send_datagram(encode(STARTUP(__version__)), endpoint)

    async def close(self) -> None:
        """Sends `/sab/bye`, and cancels the answers that are not complete."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._arrivals.close()
        self._outbox.close()
        for peer in self._peers.all_recipients():
            self._send_datagram(encode(BYE(__version__)), peer.endpoint)
        await self._open_sockets.close()  # when the last datagram is sent

    def _receive(self, data: bytes, source: Endpoint) -> None:
        self._flood_guard.arrived(source)
        if self._gate.listens_to(source) and self._arrivals.put(data, source):
            self._gate.has_arrived(source)

    def _filter(self, program: bytes | None) -> None:
        if self._sockets is not None:
            self._sockets.filter(program)

    def _have_arrived(self) -> None:
        """Handles the datagrams that have arrived, unless older ones are being handled."""
        if not self._arrivals.is_busy:
            self._arrivals.take_turns()

    def _handle(self, message: Message | Rejected, source: Endpoint, room_bytes: int) -> bool:
        """Answers a message; whether the answer comes later. `room_bytes`: what may be sent to an unproven source."""
        if is_answer(message.address):
            self._ledger.came(message, self._peers.endpoint_of(source), IGNORED)
            return False
        instead = self._gate.refusal(source, message, room_bytes=room_bytes)
        if instead is not None:
            self._ledger.not_let_in(message, self._peers.endpoint_of(source), instead)
            self._send_unproven(instead, source)
            return False
        if isinstance(message, Rejected):
            endpoint = self._peers.endpoint_of(source)
            self._ledger.came(message, endpoint, message.error.code)
            self._ledger.refused(message.address, endpoint, message.error)
            self._complain(source, message.address, message.error)
            return False
        return self._answer(message, source)

    def _dropped(self, source: Endpoint) -> None:
        self._complain(source, "", Busy("Messages were dropped: your machine sends too many."))

    def _complain(self, source: Endpoint, address: str, error: BridgeError, subject: str = "") -> None:
        """Tells a sender that something of it was dropped or is not OSC: not often, and nobody who may not exist."""
        if is_local(source) and self._intake.may_complain(source):
            fail = encode(FAIL(address, error.code, str(error), subject))
            self._outbox.put(self._peers.endpoint_of(source), [fail])

    def _answer(self, message: Message, source: Endpoint) -> bool:
        """Answers a request; whether the answer comes later."""
        peer = self._peers.renew(source)
        address = message.address
        if not self._outbox.has_room(peer.endpoint) or len(self._tasks) >= MAX_PENDING:
            error = Busy(f"{address} was dropped: too many requests are being answered.")
            self._ledger.came(message, peer.owner.endpoint, error.code)
            self._complain(source, address, error, find_req(message))
            return False
        try:
            arguments = read_arguments(message)
        except BridgeError as error:
            self._ledger.came(message, peer.owner.endpoint, error.code)
            self._reject(peer, address, error, find_req(message))
            return False
        self._ledger.came(message, peer.owner.endpoint)
        answer: Answer | None = None
        if arguments.req:
            asked = Asked(peer.owner.id, address, arguments.req)
            answer = self._recent.recall(machine_of(source), asked)
            if answer is not None:
                self._reply(peer, answer.replies or ())
                return False
            answer = self._recent.begin(machine_of(source), asked)
        request = _Request(source, address, arguments, answer)
        with self.publisher.deferred():
            try:
                replies = HANDLERS[address](Call(self._context, source, peer, arguments))
            except Exception as error:
                self._fail(request, error)
                return False
            if not isinstance(replies, Awaitable):
                self._complete(request, replies)
                return False
        task = asyncio.ensure_future(self._answer_later(request, replies))
        self._tasks.add(task)  # the event loop keeps only a weak reference
        task.add_done_callback(self._tasks.discard)
        return True

    @coroutine
    def _answer_later(self, request: _Request, replies: Awaitable[list[Message]]) -> Generator[Any, Any, None]:
        """Awaits the replies; events from the handler's last step are deferred until the answer is sent."""
        steps = replies.__await__()
        resume: Callable[[], Any] = partial(next, steps)
        while True:
            with self.publisher.deferred():
                try:
                    awaited = resume()
                except StopIteration as end:
                    self._complete(request, end.value)
                    return
                except Exception as error:
                    self._fail(request, error)
                    return
            try:
                resume = partial(steps.send, (yield awaited))
            except BaseException as error:  # includes cancellation when the server closes
                resume = partial(steps.throw, error)

    def _complete(self, request: _Request, replies: Iterable[Message]) -> None:
        if request.answer is not None:
            request.answer.replies = replies = list(replies)
        peer = self._peers.of(request.source)  # a hello may just have changed its endpoint
        if request.address == HELLO:
            self._ledger.introduced(request.arguments.strings["client"], request.source, peer.owner.endpoint)
        if not self._reply(peer, replies):
            error = Busy(f"{request.address} was dropped: too many answers to your machine wait.")
            self._complain(request.source, request.address, error, request.arguments.subject)

    def _fail(self, request: _Request, error: Exception) -> None:
        if request.answer is not None:
            self._recent.forget(request.answer)
        address = request.address
        if not isinstance(error, BridgeError):
            log.error("%s failed", address, exc_info=error)
            self._notice(Noticed(level="error", message=f"{address} failed: {type(error).__name__}: {error}"))
            error = InternalError(f"{address} failed: {type(error).__name__}.")
        self._reject(self._peers.of(request.source), address, error, request.arguments.subject)

    def _reject(self, peer: Peer, address: str, error: BridgeError, subject: str) -> None:
        self._ledger.refused(address, peer.owner.endpoint, error)
        self._reply(peer, [FAIL(address, error.code, str(error), subject)])

    def _reply(self, peer: Peer, messages: Iterable[Message]) -> bool:
        """Answers a peer; False if the answer was dropped."""
        *others, own = reversed(peer.endpoints)
        if others:
            messages = list(messages)
        for endpoint in others:
            self._outbox.put(endpoint, map(encode, messages))
        return self._outbox.put(own, map(encode, messages))

    def _push(self, datagrams: Sequence[bytes], endpoint: Endpoint) -> None:
        self._outbox.put(endpoint, datagrams)

    def _send_datagram(self, datagram: bytes, endpoint: Endpoint) -> None:
        first = self._gate.before_sending(endpoint)
        if first is not None and self._sockets is not None:
            self._send_unproven(first, endpoint)
            self._transmit(datagram, endpoint)

    def _send_unproven(self, messages: Iterable[Message], endpoint: Endpoint) -> None:
        """Sends what the gate answers itself, to whoever asked."""
        for message in messages:
            self._transmit(encode(message), endpoint)

    def _transmit(self, datagram: bytes, endpoint: Endpoint) -> None:
        if self._sockets is not None:
            self._ledger.sent(datagram, endpoint)
            self._sockets.send(datagram, endpoint)

    async def _tick(self) -> None:
        """Forgets what is old and stores what has changed, for as long as the server runs."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS)
            ticks += 1
            self._flood_guard.tick()
            if ticks % TICKS_PER_SWEEP == 0:
                self.sweep()
            subscribers = self.subscribers
            if subscribers != self._remembered:
                self._remembered = subscribers
                self._remember(subscribers)

    def sweep(self) -> None:
        """Forgets old tokens and silent clients, whether or not they send anything."""
        self._recent.forget_old()
        self._peers.forget_idle(self._is_live)

    def _is_live(self, job: str) -> bool:
        try:
            return not self._context.bridge.job(job).is_over
        except NotFound:
            return False

    @property
    def _open_sockets(self) -> DatagramSockets:
        assert self._sockets is not None
        return self._sockets


@dataclass(frozen=True)
class _Request:
    """One request while it is being answered."""

    source: Endpoint
    address: str
    arguments: Arguments
    answer: Answer | None
    """Where its answer is remembered; None: it has no token."""
