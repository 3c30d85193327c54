"""Counts what each OSC client sends and receives, and tells the wire and the log of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from bridge.connections.values import ClientSeen
from bridge.connections.wire import Wire, shortened
from bridge.errors import BridgeError, InternalError, NotAllowed
from bridge.events import Noticed
from bridge.osc.addresses import HELLO, NONCE, Message
from bridge.osc.codec import Rejected, decode
from bridge.osc.reading import NotOsc, read_address
from bridge.osc.traffic.endpoints import Endpoint
from bridge.osc.traffic.limits import TokenBucket
from bridge.protocols import Clock
from bridge.system import sockets

#: Clients that are remembered; those that were silent for longest are forgotten first, those without a name before.
MAX_CLIENTS = 128
MAX_COMPARED = 64
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_REFUSAL = 40, 80, 200
#: What the log is told of clients: a few lines at once, then one every so many seconds.
LINES_AT_ONCE, SECONDS_A_LINE = 6.0, 5.0
#: The verdict of a message whose sender must show first that it may ask.
PROOF = "proof"
#: That of an answer: answers are never answered.
IGNORED = "ignored"
#: Of a hello, the arguments before its proof, which may be a pass that holds for long: nobody reads or saves that.
BEFORE_PROOF = 3
#: The same line is not told again until so many others were.
MAX_TOLD = 256


@dataclass
class _Record:
    name: str = ""
    received: int = 0
    sent: int = 0
    refused: int = 0
    last_in: str = ""
    last_in_seconds: float | None = None
    last_out: bytes = b""
    last_out_seconds: float | None = None
    last_refusal: str = ""

    @property
    def last_seconds(self) -> float:
        return max(self.last_in_seconds or 0.0, self.last_out_seconds or 0.0)


class Ledger:
    """The clients by where they listen. Used on the event loop, for every message: it only counts."""

    def __init__(self, clock: Clock, wire: Wire, notice: Callable[[Noticed], None]) -> None:
        self._clock = clock
        self._wire = wire
        self._notice = notice
        self._records: dict[Endpoint, _Record] = {}  # whose message came or went last is last
        self._told: dict[str, None] = {}
        self._lines = TokenBucket(1 / SECONDS_A_LINE, LINES_AT_ONCE, clock.monotonic_seconds())

    def came(self, message: Message | Rejected, endpoint: Endpoint, verdict: str = "") -> None:
        """A message has come from the client that listens at `endpoint`; `verdict` as in `WireMessage`."""
        record = self._record(endpoint)
        record.received += 1
        record.last_in, record.last_in_seconds = message.address, self._clock.monotonic_seconds()
        if self._wire.is_watched:
            arguments = () if isinstance(message, Rejected) else message.arguments
            if message.address == HELLO:
                arguments = arguments[:BEFORE_PROOF]
            place = place_of(endpoint)
            self._wire.saw(message.address, arguments, is_out=False, client=record.name, place=place, verdict=verdict)

    def not_let_in(self, message: Message | Rejected, endpoint: Endpoint, instead: Sequence[Message]) -> None:
        """The gate has not let a message in, and its sender gets `instead`."""
        asks_for_proof = any(answer.address == NONCE.address for answer in instead)
        self.came(message, endpoint, PROOF if asks_for_proof else NotAllowed.code)
        if not asks_for_proof:
            self.refused(message.address, endpoint, NotAllowed("It may not ask this bridge.", advice=""))

    def refused(self, address: str, endpoint: Endpoint, error: BridgeError) -> None:
        """A message of that client was not taken, and why."""
        record = self._record(endpoint)
        record.refused += 1
        record.last_refusal = shortened(error.message, LONGEST_REFUSAL)
        what = shortened(address, LONGEST_ADDRESS) or "a message"
        if not isinstance(error, InternalError):  # that has its own line
            self._tell("warning", f"{self._who(record, endpoint)}: {what} was refused. {record.last_refusal}")

    def introduced(self, name: str, source: Endpoint, endpoint: Endpoint) -> None:
        """The client that sends from `source` has said hello under that name, and listens at `endpoint`."""
        if endpoint != source and (moved := self._records.pop(source, None)) is not None:
            known = self._record(endpoint)
            known.received += moved.received
            known.sent += moved.sent
            known.refused += moved.refused
            known.last_in, known.last_in_seconds = moved.last_in, moved.last_in_seconds
        record = self._record(endpoint)
        record.name = shortened(name.strip(), LONGEST_NAME)
        self._tell("info", f"{self._who(record, endpoint)} says hello.")

    def sent(self, datagram: bytes, endpoint: Endpoint) -> None:
        """A datagram is sent to that client."""
        record = self._record(endpoint)
        record.sent += 1
        record.last_out, record.last_out_seconds = datagram, self._clock.monotonic_seconds()
        if self._wire.is_watched:
            place = place_of(endpoint)
            for message in decode(datagram):
                arguments = () if isinstance(message, Rejected) else message.arguments
                self._wire.saw(message.address, arguments, is_out=True, client=record.name, place=place)

    def clients(self, is_subscribed: Callable[[Endpoint], bool]) -> tuple[ClientSeen, ...]:
        """All of them; whose message came or went last is first."""
        now = self._clock.monotonic_seconds()

        def age(then: float | None) -> float | None:
            return None if then is None else max(0.0, now - then)

        return tuple(
            ClientSeen(
                name=record.name,
                host=_host(endpoint),
                port=int(endpoint[1]),
                is_subscribed=is_subscribed(endpoint),
                received=record.received,
                sent=record.sent,
                refused=record.refused,
                last_in=shortened(record.last_in, LONGEST_ADDRESS),
                last_in_age_seconds=age(record.last_in_seconds),
                last_out=_address(record.last_out),
                last_out_age_seconds=age(record.last_out_seconds),
                last_refusal=record.last_refusal,
            )
            for endpoint, record in sorted(self._records.items(), key=lambda item: -item[1].last_seconds)
        )

    def _record(self, endpoint: Endpoint) -> _Record:
        record = self._records.pop(endpoint, None) or _Record()
        self._records[endpoint] = record
        if len(self._records) > MAX_CLIENTS:
            silent = list(islice(self._records, MAX_COMPARED))
            del self._records[next((one for one in silent if not self._records[one].name), silent[0])]
        return record

    def _who(self, record: _Record, endpoint: Endpoint) -> str:
        place = place_of(endpoint)
        return f"{record.name} ({place})" if record.name else place

    def _tell(self, level: str, words: str) -> None:
        now = self._clock.monotonic_seconds()
        if words in self._told or not self._lines.take(now):
            return
        self._told[words] = None
        if len(self._told) > MAX_TOLD:
            del self._told[next(iter(self._told))]
        self._notice(Noticed(level=level, message=words))


def place_of(endpoint: Endpoint) -> str:
    """`127.0.0.1:9000`, `[::1]:9000`."""
    return sockets.address(_host(endpoint), endpoint[1])


def _host(endpoint: Endpoint) -> str:
    return sockets.plain_address(str(endpoint[0]))


def _address(datagram: bytes) -> str:
    try:
        return shortened(read_address(datagram), LONGEST_ADDRESS) if datagram else ""
    except NotOsc:
        return ""
