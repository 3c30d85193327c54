"""Who may ask, message by message, with accounts and addresses as the test says."""

from __future__ import annotations

import ipaddress

import pytest

from bridge.errors import BadArguments
from bridge.events import Noticed
from bridge.osc.access import gate
from bridge.osc.access.accounts import Transport
from bridge.osc.access.gate import NOTICE_SECONDS, PROOF_SECONDS, TOKEN_SECONDS, Gate, Rules
from bridge.osc.access.keys import AccessKey
from bridge.osc.access.proofs import NONCE_SECONDS, http_token, pass_for, proof_of
from bridge.osc.access.socket_cookies import OpenSocket
from bridge.osc.addresses import REQUESTS, Message
from bridge.osc.codec import Rejected, encode
from tests.support.fakes import FakeClock

TOKEN, SECRET = AccessKey(b"t" * 43), AccessKey(b"s" * 43)
LOCAL, TABLET = ("127.0.0.1", 5000), ("192.168.1.20", 6000)
SUBMIT = Message("/sab/submit", ("/music/clip.wav", "req", "a1"))
HELLO = Message("/sab/hello", ("tablet", 1, 0))
ROOM = 1000


class Door:
    """A gate whose machine has sockets as the test says."""

    def __init__(self, sockets: frozenset[int] | None = frozenset({1000}), **rules: object) -> None:
        self.clock = FakeClock()
        self.noticed = list[Noticed]()
        self.sockets = sockets
        self.looked_up = 0
        self.socket: OpenSocket | None = OpenSocket(b"first", 1)
        allow = (ipaddress.ip_network("192.168.1.0/24"),)
        known = {"local_access": "own", "token": TOKEN, "secret": SECRET, "allow": allow, "own_account": 1000, **rules}
        self.gate = Gate(Rules(**known), self.clock, self.noticed.append, self._owners, self._socket)  # type: ignore[arg-type]

    def _owners(self, transport: Transport, host: str, port: int, inode: int | None) -> frozenset[int] | None:
        del transport, host, port, inode
        self.looked_up += 1
        return self.sockets

    def _socket(self, host: str, port: int) -> OpenSocket | None:
        del host, port
        return self.socket

    def lets(self, message: Message | Rejected, source: tuple[str, int] = LOCAL) -> bool:
        self.gate.has_arrived(source)
        return self.gate.refusal(source, message, ROOM) is None

    def nonce(self, source: tuple[str, int]) -> str:
        (message,) = self.gate.refusal(source, HELLO, ROOM) or ()
        assert message.address == "/sab/nonce"
        return str(message.arguments[0])

    def prove(self, source: tuple[str, int], key: AccessKey, reply_port: int = 0) -> bool:
        proof = proof_of(key, self.nonce(source), reply_port)
        return self.lets(Message("/sab/hello", ("tablet", 1, reply_port, proof)), source)


def code_of(door: Door, message: Message, source: tuple[str, int] = LOCAL) -> object:
    (refusal,) = door.gate.refusal(source, message, ROOM) or ()
    assert refusal.address == "/sab/fail"
    return refusal.arguments[1]


@pytest.mark.parametrize("account", [1000, 0])
def test_programs_of_this_account_and_of_root_may_ask(account: int) -> None:
    assert Door(frozenset({account})).lets(SUBMIT)


@pytest.mark.parametrize("address", sorted(REQUESTS))
def test_another_account_gets_no_work_done_and_no_path(address: str) -> None:
    door = Door(frozenset({1001}))
    message = Message(address, ("x", 1))
    if address == "/sab/hello":
        assert door.nonce(LOCAL)
    elif address == "/sab/ping":
        assert door.lets(message)
    else:
        assert code_of(door, message) == "not_allowed"


def test_a_refusal_has_the_token_of_the_request() -> None:
    (refusal,) = Door(frozenset({1001})).gate.refusal(LOCAL, SUBMIT, ROOM) or ()
    assert refusal.arguments[0::3] == ("/sab/submit", "a1")


def test_a_port_that_accounts_share_is_not_ours() -> None:
    assert not Door(frozenset({1000, 1001})).lets(SUBMIT)


def test_another_account_that_has_the_token_may_ask() -> None:
    door = Door(frozenset({1001}))
    assert not door.prove(LOCAL, AccessKey(b"x" * 43))
    assert door.prove(LOCAL, TOKEN)
    assert door.lets(SUBMIT)
    assert not door.lets(SUBMIT, ("127.0.0.1", 5001))


def test_everyone_may_ask_where_the_user_said_so() -> None:
    assert Door(frozenset({1001}), local_access="everyone").lets(SUBMIT)


def test_where_the_token_is_asked_for_even_our_own_programs_need_it() -> None:
    door = Door(local_access="token")
    assert code_of(door, SUBMIT) == "not_allowed"
    assert door.prove(LOCAL, TOKEN)
    assert door.lets(SUBMIT)


def test_a_sender_that_has_ended_is_ours_only_where_nobody_else_is_here() -> None:
    assert Door(frozenset(), other_people_are_here=lambda: False).lets(SUBMIT)
    door = Door(frozenset(), other_people_are_here=lambda: True)
    assert code_of(door, SUBMIT) == "not_allowed"
    assert "sab send" in door.noticed[0].message


def test_a_system_that_does_not_tell_accounts_lets_local_programs_in() -> None:
    assert Door(None).lets(SUBMIT)


def test_an_account_is_looked_up_once_in_a_moment_and_again_after_it() -> None:
    door = Door()
    assert all(door.lets(SUBMIT) for _ in range(50))
    assert door.looked_up == 1
    door.clock.advance(1.5)
    door.sockets = frozenset({1000, 1001})  # another program shares the port
    assert not door.lets(SUBMIT)


def test_another_program_that_takes_a_port_over_is_not_ours_even_for_a_moment() -> None:
    door = Door()
    assert door.lets(SUBMIT)
    door.sockets, door.socket = frozenset({1001}), OpenSocket(b"second", 2)
    assert not door.lets(SUBMIT)
    door.sockets, door.socket = frozenset(), None
    assert not door.lets(SUBMIT)


def test_whose_a_datagram_is_is_seen_when_it_arrives_and_not_at_its_turn() -> None:
    door = Door()
    door.gate.has_arrived(LOCAL)
    door.sockets, door.socket = frozenset(), None  # `oscsend` has ended since
    assert door.gate.refusal(LOCAL, SUBMIT, ROOM) is None
    door.gate.has_arrived(LOCAL)  # the port's next message, of a socket that is gone: it may be anybody's
    assert door.gate.refusal(LOCAL, SUBMIT, ROOM) is not None


def test_without_the_socket_each_message_is_looked_up() -> None:
    door = Door()
    door.socket = None
    assert all(door.lets(SUBMIT) for _ in range(3))
    assert door.looked_up == 3


def test_a_local_program_is_asked_for_its_next_proof_too() -> None:
    door = Door(local_access="token")
    assert door.prove(LOCAL, TOKEN)
    door.clock.advance(PROOF_SECONDS / 2 + 1)
    (nonce,) = door.gate.before_sending(LOCAL) or ()
    assert door.lets(Message("/sab/hello", ("max", 1, 0, proof_of(TOKEN, str(nonce.arguments[0]), 0))))
    assert door.gate.before_sending(LOCAL) == ()
    assert door.gate.before_sending(("127.0.0.1", 7)) == ()


def test_a_computer_that_is_not_in_the_list_is_not_even_read() -> None:
    door = Door()
    assert not door.gate.listens_to(("192.168.2.20", 6000))
    assert door.gate.listens_to(("::ffff:192.168.1.20", 6000, 0, 0))
    assert not Door(secret=None, allow=()).gate.listens_to(TABLET)


def test_another_computer_gets_only_a_nonce_before_it_has_shown_the_secret() -> None:
    door = Door()
    rubbish = Rejected(BadArguments("no OSC"))
    for message in (SUBMIT, Message("/sab/ping"), Message("/sab/list"), Message("/sab/none"), rubbish):
        assert door.gate.refusal(TABLET, message, ROOM) == []
    assert door.gate.before_sending(TABLET) is None
    assert door.prove(TABLET, SECRET)
    assert door.lets(SUBMIT, TABLET)
    assert door.gate.before_sending(TABLET) == ()


def test_no_answer_is_larger_than_the_question() -> None:
    door = Door()
    wrong = Message("/sab/hello", ("tablet", 1, 0, "0" * 64))
    for hello in (Message("/sab/hello", ("x", 1)), Message("/sab/hello", ("tablet", 1, 9000)), wrong):
        size = len(encode(hello))
        answers = door.gate.refusal(TABLET, hello, size) or ()
        assert sum(len(encode(answer)) for answer in answers) <= size
    assert len(door.gate.refusal(TABLET, HELLO, len(encode(HELLO))) or ()) == 1  # with a reply port there is room


def test_the_account_s_token_is_no_secret_for_other_computers() -> None:
    assert not Door().prove(TABLET, TOKEN)


def test_a_proof_is_of_one_address_and_port() -> None:
    door = Door()
    proof = proof_of(SECRET, door.nonce(TABLET), 0)
    hello = Message("/sab/hello", ("tablet", 1, 0, proof))
    assert not door.lets(hello, ("192.168.1.20", 6001))
    assert not door.lets(hello, ("192.168.1.21", 6000))
    assert door.lets(hello, TABLET)
    assert not door.lets(SUBMIT, ("192.168.1.20", 6001))


def test_a_proof_is_of_one_reply_port() -> None:
    door = Door()
    proof = proof_of(SECRET, door.nonce(TABLET), 9000)
    assert not door.lets(Message("/sab/hello", ("tablet", 1, 9001, proof)), TABLET)
    assert door.lets(Message("/sab/hello", ("tablet", 1, 9000, proof)), TABLET)
    assert door.gate.before_sending(("192.168.1.20", 9000)) == ()
    assert door.gate.before_sending(("192.168.1.20", 9001)) is None


def test_an_old_nonce_is_worth_nothing() -> None:
    door = Door()
    proof = proof_of(SECRET, door.nonce(TABLET), 0)
    door.clock.advance(2 * NONCE_SECONDS)
    assert not door.lets(Message("/sab/hello", ("tablet", 1, 0, proof)), TABLET)


def test_a_proof_ends_and_is_asked_for_in_time() -> None:
    door = Door()
    assert door.prove(TABLET, SECRET, reply_port=9000)
    door.clock.advance(PROOF_SECONDS / 2 + 1)
    (nonce,) = door.gate.before_sending(("192.168.1.20", 9000)) or ()
    assert door.gate.before_sending(("192.168.1.20", 9000)) == ()  # asked for a moment ago
    proof = proof_of(SECRET, str(nonce.arguments[0]), 9000)
    assert door.lets(Message("/sab/hello", ("tablet", 1, 9000, proof)), TABLET)
    door.clock.advance(PROOF_SECONDS - 1)
    assert door.lets(SUBMIT, TABLET)
    door.clock.advance(2)
    assert not door.lets(SUBMIT, TABLET)
    assert door.gate.before_sending(TABLET) is None


def test_a_pass_is_of_one_address_and_needs_no_nonce() -> None:
    door = Door()
    hello = Message("/sab/hello", ("TouchOSC", 1, 9000, pass_for(SECRET, "192.168.1.20")))
    assert not door.lets(hello, ("192.168.1.21", 6000))
    assert door.lets(hello, TABLET)
    assert door.lets(SUBMIT, TABLET)


def test_proofs_and_strangers_take_a_limited_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_PROVEN", 30)
    monkeypatch.setattr(gate, "MAX_OWNERS", 30)
    door = Door()
    for port in range(1, 100):
        assert door.prove(("192.168.1.20", port), SECRET)
        door.lets(SUBMIT, ("127.0.0.1", port))
    for number in range(300):
        door.gate.refusal((f"192.168.1.{number % 250}", number), HELLO, ROOM)
    remembered = [len(value) for value in vars(door.gate).values() if isinstance(value, dict)]
    assert remembered == [30, 30]


def test_refused_computers_are_told_of_at_most_once_a_minute() -> None:
    door = Door()
    for _ in range(100):
        door.gate.refusal(TABLET, SUBMIT, ROOM)
        door.gate.listens_to(("10.0.0.1", 1))
    assert len(door.noticed) == 1
    door.clock.advance(NOTICE_SECONDS + 1)
    door.gate.listens_to(("10.0.0.1", 1))
    assert "10.0.0.1" in door.noticed[1].message


def test_keys_never_show_themselves() -> None:
    rules = Rules(token=TOKEN, secret=SECRET)
    assert "ssss" not in f"{rules!r} {SECRET!s} {[TOKEN]!r}"
    assert "tttt" not in f"{rules!r} {SECRET!s} {[TOKEN]!r}"


async def may_bear(door: Door, said: str, source: tuple[str, int] = LOCAL) -> bool:
    return await door.gate.bearer_problem(source, said) is None


@pytest.mark.parametrize("local_access", ["own", "token", "everyone"])
async def test_over_http_the_token_is_asked_for_whatever_the_account(local_access: str) -> None:
    door = Door(sockets=frozenset({1000}), local_access=local_access)
    assert await may_bear(door, f"Bearer {http_token(TOKEN)}")
    assert await may_bear(door, f"bearer  {http_token(TOKEN)} ", ("127.0.0.9", 1))
    assert await may_bear(door, f"Bearer {http_token(TOKEN)}", ("::1", 1))
    key = TOKEN.content.decode()
    for wrong in (
        "",
        "Bearer",
        "Bearer ",
        f"Basic {http_token(TOKEN)}",
        http_token(TOKEN),
        f"Bearer {key}",
        "Bearer \udce9",
    ):
        assert not await may_bear(door, wrong)


async def test_another_computer_needs_its_own_pass_over_http() -> None:
    door, right = Door(), f"Bearer {pass_for(SECRET, TABLET[0])}"
    assert await may_bear(door, right, TABLET)
    assert not await may_bear(door, f"Bearer {http_token(TOKEN)}", TABLET)
    assert not await may_bear(door, right, ("192.168.1.21", 1))
    assert not await may_bear(door, f"Bearer {pass_for(SECRET, '10.0.0.1')}", ("10.0.0.1", 1))
    assert not await may_bear(Door(token=None, secret=None), f"Bearer {http_token(TOKEN)}")


async def test_the_key_s_file_is_read_once_a_second_and_where_a_token_is_wrong() -> None:
    reads: list[AccessKey | None] = []

    def read() -> AccessKey | None:
        reads.append(found[0])
        if found[0] is None:
            raise OSError("gone")
        return found[0]

    found: list[AccessKey | None] = [TOKEN]
    door = Door(read_token=read, secret=None)
    old, new = (f"Bearer {http_token(key)}" for key in (TOKEN, SECRET))
    assert await may_bear(door, old) and reads == []
    found[0] = SECRET
    assert await may_bear(door, new) and reads == [SECRET]
    assert not await may_bear(door, old)
    door.clock.advance(TOKEN_SECONDS)
    found[0] = None
    assert await may_bear(door, new) and reads == [SECRET, SECRET, None]
