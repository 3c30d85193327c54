"""The gate: decides for each datagram and each HTTP request whether its sender may ask.

    sender                                              may ask
    a program of this account, or of root               yes
    a program of another account of this machine        with the account's token, or where `local_access` is everyone
    a computer in `allow`                               with the secret
    any other computer                                  never; it gets no answer

Over HTTP, whoever reads jobs or changes something says a pass each time, because a web page's requests come from a
program of this account, too.

Nothing is sent to another computer whose address is not proven but a nonce, in an answer no larger than the question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bridge.errors import BridgeError, NotAllowed
from bridge.events import Noticed
from bridge.osc.access.accounts import Accounts, Transport
from bridge.osc.access.keys import AccessKey
from bridge.osc.access.networks import Network, is_in
from bridge.osc.access.proofs import LOOPBACK, Nonces, is_pass
from bridge.osc.access.socket_cookies import OpenSocket
from bridge.osc.addresses import FAIL, NONCE, Message
from bridge.osc.arguments import find_req, read_arguments
from bridge.osc.codec import Rejected, encode
from bridge.osc.traffic.endpoints import Endpoint, is_local
from bridge.protocols import Clock
from bridge.system import sockets
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

#: How long a proof holds; in its second half the bridge asks for the next.
PROOF_SECONDS = 600.0
#: How often one address is asked for its next proof.
RENEWAL_SECONDS = 10.0
#: How long the accounts of a local address are remembered: another program may come to share the port.
OWNER_SECONDS = 1.0
#: How long a datagram may wait for its turn after it has arrived.
WAITING_SECONDS = 5.0
MAX_PROVEN = 1024
MAX_OWNERS = 4096
#: A hello with a proof: client, protocol, reply port, proof.
PROOF_ARGUMENTS = 4
#: How often refused senders are told of on the bridge's screen.
NOTICE_SECONDS = 60.0
#: How long the account's token is used without a look whether there is a new one.
TOKEN_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the settings say about who may ask."""

    local_access: str = "everyone"
    """`own`: programs of this account; `token`: only those that prove its token; `everyone`: any on this machine."""
    token: AccessKey | None = None
    """The token of this account."""
    read_token: Callable[[], AccessKey | None] = lambda: None
    """Reads the token again, for the user may have made a new one; None: it cannot be read."""
    secret: AccessKey | None = None
    """The secret for other computers; None: none may ask."""
    allow: tuple[Network, ...] = ()
    """The other computers that may ask, if they have the secret."""
    own_account: int = 0
    other_people_are_here: Callable[[], bool] = lambda: True
    """Whether a program of another person runs here. If not, a sender that has ended already counts as our own."""


@dataclass
class _Proof:
    source: Endpoint
    """Where the proof came from; a reply port has its sender's proof."""
    until_seconds: float
    asked_seconds: float = 0.0


@dataclass(frozen=True)
class _Known:
    """The accounts that a local address belonged to when its last message arrived."""

    socket: OpenSocket | None
    looked_seconds: float
    """When the accounts were looked up."""
    at_seconds: float
    """When the last message arrived."""
    owners: frozenset[int] | None


class Gate:
    """Asked by the OSC and HTTP servers. It remembers proven addresses, a limited number of them."""

    def __init__(
        self,
        rules: Rules,
        clock: Clock,
        notice: Callable[[Noticed], None] = lambda _: None,
        owners_of: Callable[[Transport, str, int, int | None], frozenset[int] | None] | None = None,
        socket_at: Callable[[str, int], OpenSocket | None] = lambda _host, _port: None,
    ) -> None:
        """
        Args:
            notice: is told of refused senders.
            owners_of: as `Accounts.owners`; None: that.
            socket_at: as `SocketCookies`; without it the accounts are looked up for each message.
        """
        self._rules = rules
        self._clock = clock
        self._notice = notice
        self._owners_of = owners_of or Accounts(clock.monotonic_seconds).owners
        self._socket_at = socket_at
        self._nonces = Nonces(clock.monotonic_seconds)
        self._proven: dict[tuple[str, int], _Proof] = {}  # the oldest first
        self._recent_owners: dict[tuple[str, int], _Known] = {}  # the oldest first
        self._noticed_seconds = -NOTICE_SECONDS
        self._renewing: asyncio.Task[None] | None = None
        self._renewed_seconds = clock.monotonic_seconds()

    def listens_to(self, source: Endpoint) -> bool:
        """Whether a datagram from there is read at all."""
        if is_local(source) or is_in(str(source[0]), self._rules.allow):
            return True
        self._tell(f"{source[0]} sent a message, and is not in the setting `allow`.")
        return False

    def has_arrived(self, source: Endpoint) -> None:
        """Looks whose the socket is, as long as it is open: to be called as soon as a datagram is there."""
        if self._rules.local_access == "own" and is_local(source) and not self._is_proven(source):
            self._owners_at(source)

    def refusal(self, source: Endpoint, message: Message | Rejected, room_bytes: int) -> Sequence[Message] | None:
        """None: the message may be handled. Else what its sender gets instead, which may be nothing.

        Args:
            room_bytes: how large an answer to an unproven address may be.
        """
        error = self._problem("udp", source)
        if error is None:
            self._accept_proof(source, message)  # the next one, which came in time
            return None
        if self._accept_proof(source, message):
            return None
        is_here = is_local(source)
        if isinstance(message, Rejected):
            return [FAIL(message.address, error.code, str(error), "")] if is_here else []
        if message.address == "/sab/hello":
            nonce = NONCE(self._nonces.for_endpoint(_key(source)))
            wrong = FAIL(message.address, error.code, "The proof is wrong.", "")
            answer = wrong if len(message.arguments) >= PROOF_ARGUMENTS else nonce
            return [answer] if is_here or len(encode(answer)) <= room_bytes else []
        if is_here:
            is_ping = message.address == "/sab/ping"  # tells no more than the port that is open
            return None if is_ping else [FAIL(message.address, error.code, str(error), find_req(message))]
        self._tell(f"{source[0]} asks without the secret; docs/security.md says how a program uses it.")
        return []

    def before_sending(self, endpoint: Endpoint) -> Sequence[Message] | None:
        """None: nothing may be sent there. Else what has to be sent first: a nonce, where a proof is about to end."""
        now = self._clock.monotonic_seconds()
        proof = self._proven.get(_key(endpoint))
        if proof is None or proof.until_seconds < now:
            return () if is_local(endpoint) else None
        if proof.until_seconds - now < PROOF_SECONDS / 2 and now - proof.asked_seconds >= RENEWAL_SECONDS:
            proof.asked_seconds = now
            return [NONCE(self._nonces.for_endpoint(proof.source))]
        return ()

    def http_problem(self, source: Endpoint, authorization: str) -> BridgeError | None:
        """Why an HTTP request is refused; None: it is answered. A program sends its pass as `Bearer PASS`."""
        problem = self._problem("tcp", source)
        if problem is None:
            return None
        host, _ = _key(source)
        if not self.listens_to(source):
            return problem
        said = authorization.removeprefix("Bearer ").strip()
        if any(is_pass(said, key, host) for key in self._keys(host)):
            return None
        return problem

    async def bearer_problem(self, source: Endpoint, authorization: str) -> BridgeError | None:
        """Why a request is refused that reads something private or changes something; None: its pass is right.

        On this machine the pass is `proofs.http_token`, elsewhere that of the secret and the address.
        """
        is_old = self._clock.monotonic_seconds() - self._renewed_seconds >= TOKEN_SECONDS
        if is_old or not self._is_bearer(source, authorization):
            await self._renew_token()
        if self._is_bearer(source, authorization):
            return None
        if not sockets.is_loopback(str(source[0])):
            return self._problem("tcp", source)
        return NotAllowed(
            "The token is missing or wrong.", advice="`sab token` prints it; send it as `Authorization: Bearer TOKEN`."
        )

    def _is_bearer(self, source: Endpoint, authorization: str) -> bool:
        scheme, _, said = authorization.partition(" ")
        host, _ = _key(source)
        is_here = sockets.is_loopback(host)
        if scheme.lower() != "bearer" or not (is_here or is_in(host, self._rules.allow)):
            return False
        # Every key is tried, whatever the one before said: the time tells nothing of them.
        right = [is_pass(said.strip(), key, LOOPBACK if is_here else host) for key in self._keys(host)]
        return any(right)

    async def _renew_token(self) -> None:
        """Reads the account's token again; who asks meanwhile waits for the same reading."""
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._read_token())
        await asyncio.shield(self._renewing)

    async def _read_token(self) -> None:
        try:
            token = await off_loop(self._rules.read_token, timeout_seconds=ANSWER_SECONDS)
        except (OSError, BridgeError):  # TimeoutError, too: then the one that is known stays
            token = None
        finally:
            self._renewing = None
        self._renewed_seconds = self._clock.monotonic_seconds()
        if token is not None:
            self._rules = replace(self._rules, token=token)

    def _problem(self, transport: Transport, source: Endpoint) -> NotAllowed | None:
        host = str(source[0])
        if transport == "udp" and self._is_proven(source):
            return None
        if sockets.is_loopback(host):
            return self._local_problem(transport, source)
        if not is_in(host, self._rules.allow):
            return NotAllowed(f"{host} is not one of the computers that may ask this bridge.")
        return NotAllowed("This bridge asks other computers for its secret.")

    def _local_problem(self, transport: Transport, source: Endpoint) -> NotAllowed | None:
        rules = self._rules
        if rules.local_access == "everyone":
            return None
        if rules.local_access == "token":
            return NotAllowed("This bridge asks every program for the account's token.")
        found = self._owners(transport, source)
        if found is None:  # this system does not tell
            return None
        if found:
            return None if found <= {0, rules.own_account} else NotAllowed("This bridge belongs to another account.")
        if not rules.other_people_are_here():
            return None
        self._tell(
            "A program sent a message and ended before it was read. It may be another account's, so it was refused. "
            "Send with `sab send`, or set `local_access` to everyone."
        )
        return NotAllowed("You ended before this bridge could see which account you belong to.")

    def _accept_proof(self, source: Endpoint, message: Message | Rejected) -> bool:
        """Whether it is a hello with a proof that is right; from now on its sender, and its reply port, are proven."""
        if isinstance(message, Rejected) or message.address != "/sab/hello" or len(message.arguments) < PROOF_ARGUMENTS:
            return False
        try:
            arguments = read_arguments(message)
        except BridgeError:
            return False
        proof, reply_port = arguments.strings["proof"], arguments.numbers["reply_port"]
        host, _ = endpoint = _key(source)
        if not any(self._nonces.accepts(proof, key, endpoint, reply_port) for key in self._keys(host)):
            return False
        now = self._clock.monotonic_seconds()
        for port in {endpoint[1], reply_port or endpoint[1]}:
            self._proven.pop((host, port), None)
            self._proven[host, port] = _Proof(endpoint, now + PROOF_SECONDS)
        while len(self._proven) > MAX_PROVEN:
            del self._proven[next(iter(self._proven))]
        return True

    def _keys(self, host: str) -> list[AccessKey]:
        of_host = [self._rules.token, self._rules.secret] if sockets.is_loopback(host) else [self._rules.secret]
        return [key for key in of_host if key is not None]

    def _is_proven(self, source: Endpoint) -> bool:
        proof = self._proven.get(_key(source))
        return proof is not None and proof.until_seconds >= self._clock.monotonic_seconds()

    def _owners(self, transport: Transport, source: Endpoint) -> frozenset[int] | None:
        """As `Accounts.owners`; of a datagram, what was found when it arrived."""
        host, port = str(source[0]), int(source[1])
        if transport == "tcp":
            return self._owners_of(transport, host, port, None)
        known = self._recent_owners.get((host, port))
        if known is not None and self._clock.monotonic_seconds() - known.at_seconds < WAITING_SECONDS:
            return known.owners
        return self._owners_at(source)

    def _owners_at(self, source: Endpoint) -> frozenset[int] | None:
        """Looks at the socket that sends datagrams from there, and remembers its accounts while it is the same one."""
        host, port = place = str(source[0]), int(source[1])
        now = self._clock.monotonic_seconds()
        found_socket = self._socket_at(host, port)
        known = self._recent_owners.pop(place, None)
        if (
            known is None
            or found_socket is None
            or known.socket != found_socket
            or now - known.looked_seconds >= OWNER_SECONDS
        ):
            found = self._owners_of("udp", host, port, None if found_socket is None else found_socket.inode)
            known = _Known(found_socket, now, now, found)
        else:
            known = replace(known, at_seconds=now)
        self._recent_owners[place] = known
        while len(self._recent_owners) > MAX_OWNERS:
            del self._recent_owners[next(iter(self._recent_owners))]
        return known.owners

    def _tell(self, words: str) -> None:
        now = self._clock.monotonic_seconds()
        if now - self._noticed_seconds >= NOTICE_SECONDS:
            self._noticed_seconds = now
            self._notice(Noticed(level="warning", message=words))


def _key(endpoint: Endpoint) -> tuple[str, int]:
    """The address as text without its prefix or zone, and the port."""
    return sockets.plain_address(str(endpoint[0])), int(endpoint[1])
