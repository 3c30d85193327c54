"""A small OSC client of one bridge: sends requests, awaits their answers, and receives pushes."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

from bridge import PROTOCOL_VERSION
from bridge.config import DEFAULT_HOST, DEFAULT_PORT
from bridge.errors import BridgeError, NotAllowed, error_for
from bridge.osc.access.keys import AccessKey
from bridge.osc.access.proofs import proof_of
from bridge.osc.addresses import FAIL, HELLO_REPLY, JOB, JOB_GROUP, NONCE, PONG, REQUESTS, RESULT, Message
from bridge.osc.codec import MAX_INCOMING_BYTES, Rejected, decode, encode
from bridge.osc.fields import arguments_of
from bridge.system.waiting import within

ANSWER_SECONDS = 5.0
#: The bridge opens the file before it answers, and the file's drive may have to spin up.
SUBMIT_SECONDS = 20.0


class NoAnswer(BridgeError):  # noqa: N818 - named as in bridge.errors
    """No bridge answers on that port."""

    code = "not_found"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"No bridge answers on UDP port {port} of {host}.",
            advice="Start one with `sab` or `sab serve`, or name its port with --port.",
        )


@asynccontextmanager
async def open_client(
    host: str = DEFAULT_HOST, port: int = DEFAULT_PORT, keys: Sequence[AccessKey] = ()
) -> AsyncIterator[OscClient]:
    """A client of the bridge at `host` and `port`, for as long as the context lasts.

    `keys` are what it can prove itself with if the bridge asks: see `access.keys.keys_for`.

    Raises:
        NoAnswer: there is no such host or port. A port where no bridge listens is noticed at the first request.
    """
    try:
        _, client = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: OscClient(host, port, keys), remote_addr=(host, port)
        )
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: not a valid host name
        raise NoAnswer(host, port) from error
    try:
        yield client
    finally:
        await client.close()


class OscClient(asyncio.DatagramProtocol):
    """One socket, connected to one bridge; made by `open_client`. It handles one request at a time."""

    def __init__(self, host: str, port: int, keys: Sequence[AccessKey] = ()) -> None:
        self._keys = keys
        self._hello = Message("/sab/hello", ("sab", PROTOCOL_VERSION, 0))
        """The last hello; proofs repeat it."""
        self._open_proofs = 0
        """Proofs that the bridge has not judged yet; meanwhile its refusals are of what came before them."""
        self._is_proven = False
        self._host = host
        self._port = port
        self._transport: asyncio.DatagramTransport | None = None
        self._pending: Message | None = None
        self._answers: asyncio.Queue[Message | None] = asyncio.Queue()
        self._pushes: asyncio.Queue[Message | None] = asyncio.Queue()
        self._closed = asyncio.Event()
        self._last_ping = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # not its subclass before Python 3.12

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's signature
        for message in decode(data):
            if isinstance(message, Rejected) or self._is_about_proofs(message):
                continue
            is_answer = self._pending is not None and _is_answer_to(self._pending, message)
            (self._answers if is_answer else self._pushes).put_nowait(message)

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002 - asyncio's signature
        """On a connected socket the kernel reports a closed port."""
        (self._pushes if self._pending is None else self._answers).put_nowait(None)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._closed.set()

    async def close(self) -> None:
        """Closes the socket, after everything has been sent."""
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def send(self, address: str, *arguments: str | float) -> None:
        """Sends one message without waiting for an answer."""
        self._send(Message(address, arguments))

    async def exchange(
        self, address: str, *arguments: str | float, answer_seconds: float | None = None
    ) -> list[Message]:
        """Sends a request; returns its complete answer, which may be a `/sab/fail`.

        Raises:
            NoAnswer: the port is closed, or the answer was not complete within `answer_seconds` (None: the default of
                this request).
        """
        if answer_seconds is None:
            answer_seconds = SUBMIT_SECONDS if address == "/sab/submit" else ANSWER_SECONDS
        self._pending = Message(address, arguments)
        self._answers = asyncio.Queue()
        self._send(self._pending)
        try:
            return await within(self._complete_answer(self._pending), answer_seconds)
        except asyncio.TimeoutError:
            raise NoAnswer(self._host, self._port) from None
        finally:
            self._pending = None

    async def ask(self, address: str, *arguments: str | float, answer_seconds: float | None = None) -> list[Message]:
        """As `exchange`, but raises an error if the bridge rejects the request.

        Raises:
            NoAnswer: as `exchange`.
            BridgeError: the bridge rejected it; the error has the code and message of its `/sab/fail`.
        """
        answer = await self.exchange(address, *arguments, answer_seconds=answer_seconds)
        for message in answer:
            if message.address == FAIL.address:
                fail = arguments_of(message, FAIL)
                raise error_for(fail["code"], fail["message"])
        return answer

    async def next_push(self) -> Message:
        """The next message that is not an answer, the oldest first.

        Raises:
            NoAnswer: the kernel reports that the port is closed (not always over a network).
        """
        message = await self._pushes.get()
        if message is None:
            raise NoAnswer(self._host, self._port)
        return message

    def received(self) -> list[Message]:
        """The pushes that have arrived and were not taken yet."""
        messages = (self._pushes.get_nowait() for _ in range(self._pushes.qsize()))
        return [message for message in messages if message is not None]

    async def pushes(self) -> AsyncIterator[Message]:
        """All pushes, without end. Raises NoAnswer as `next_push` does."""
        while True:
            yield await self.next_push()

    def _send(self, message: Message) -> None:
        assert self._transport is not None
        if message.address == self._hello.address and len(message.arguments) in (2, 3):
            if len(message.arguments) == 2:  # with a reply port it is large enough for the answer to be a nonce
                message = Message(message.address, (*message.arguments, 0))
            self._hello = message
        self._transport.sendto(encode(message, MAX_INCOMING_BYTES))

    def _is_about_proofs(self, message: Message) -> bool:
        """Answers a nonce, and follows what becomes of the proofs; False: the message is for the caller."""
        if message.address == NONCE.address:
            if message.arguments and isinstance(message.arguments[0], str):
                self._prove(message.arguments[0])
            return True
        if self._open_proofs and message.address == HELLO_REPLY.address:
            self._open_proofs, self._is_proven = 0, True
        elif self._open_proofs and message.address == FAIL.address and message.arguments[1:2] == (NotAllowed.code,):
            if message.arguments[0] == self._hello.address:
                self._open_proofs -= 1
                if not self._open_proofs:
                    self._refuse("The bridge has another secret, or another account's token.")
            return True
        return False

    def _prove(self, nonce: str) -> None:
        if not self._keys:
            self._refuse("The bridge asks for its secret, and there is none here.")
            return
        name, _, port = self._hello.arguments
        reply_port = port if isinstance(port, int) else 0
        for key in self._keys:
            self._open_proofs += 1
            proof = proof_of(key, nonce, reply_port)
            self._send(Message(self._hello.address, (name, PROTOCOL_VERSION, reply_port, proof)))
        if self._pending is not None and not self._is_proven:  # it was refused
            self._send(self._pending)

    def _refuse(self, words: str) -> None:
        if self._pending is not None:
            error = NotAllowed(words)
            self._answers.put_nowait(FAIL(self._pending.address, error.code, str(error), ""))

    async def _complete_answer(self, sent: Message) -> list[Message]:
        last = _last_address(sent)
        if last is None:  # the answer has no last message: it ends where the answer to a following ping comes
            self._last_ping += 1
            self._send(Message("/sab/ping", (f"after {sent.address} {self._last_ping}",)))
        answer: list[Message] = []
        while True:
            message = await self._answers.get()
            if message is None:
                raise NoAnswer(self._host, self._port)
            if last is None and message.address == PONG.address:
                return answer
            answer.append(message)
            if last is not None and message.address in (last, FAIL.address):
                return answer


def parse_argument(written: str) -> str | int | float:
    """An OSC argument as a person types it: `3` is a whole number, `1.5` a number, everything else and `"3"` is text.

    A number that would not be written the same way again, such as `007`, stays text.
    """
    if len(written) >= 2 and written[0] == written[-1] == '"':
        return written[1:-1]
    if re.fullmatch(r"-?(0|[1-9]\d{0,8})", written, re.ASCII):
        return int(written)
    if re.fullmatch(r"-?\d+\.\d+|-?\d+(\.\d+)?[eE][-+]?\d+", written, re.ASCII):
        number = float(written)
        return number if math.isfinite(number) else written
    return written


def _last_address(sent: Message) -> str | None:
    """The address of the answer's last message; None if the answer has no fixed end."""
    request = REQUESTS.get(sent.address)
    if request is None or request.replies[-1] is RESULT:
        return None
    return request.replies[-1].address


def _is_answer_to(sent: Message, message: Message) -> bool:
    """Whether `message` belongs to the answer to `sent`, and is not a push that arrives at the same time."""
    if message.address == FAIL.address:
        return bool(message.arguments) and message.arguments[0] == sent.address
    if message.address in (JOB.address, JOB_GROUP.address, RESULT.address) and sent.address == "/sab/query":
        return message.arguments[:1] == sent.arguments[:1]
    if message.address == PONG.address:
        return True
    request = REQUESTS.get(sent.address)
    return request is not None and message.address in {reply.address for reply in request.replies}
