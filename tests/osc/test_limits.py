"""What one sender may ask for, and that the others do not notice."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from bridge.errors import TooManyClients
from bridge.events import Progressed
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.codec import decode, encode
from bridge.osc.server import serve_osc
from bridge.osc.traffic.arrivals import MAX_WAITING, MAX_WAITING_BYTES_OF_SENDER, Arrivals
from bridge.osc.traffic.endpoints import Endpoint, is_local, machine_of
from bridge.osc.traffic.limits import BURST, MESSAGES_A_SECOND, OWN_BURST, OWN_MESSAGES_A_SECOND, Intake
from bridge.osc.traffic.outbox import AT_ONCE, MAX_ANSWERS, MAX_LONG_ANSWERS, Outbox
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.loopback import has_ipv6
from tests.support.requests import request_for
from tests.support.studio import OVER, Studio, next_at, pushed

FLOODER, CLIENT = ("127.0.0.1", 50_000), ("127.0.0.1", 50_001)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def intake(clock: FakeClock) -> Intake:
    return Intake(clock)


@pytest.fixture
def flooder() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.setblocking(False)
        yield sender


def admitted(intake: Intake, ports: range, count: int) -> int:
    return sum(intake.admits(("127.0.0.1", ports[number % len(ports)])) for number in range(count))


@pytest.mark.parametrize("ports", [1, 1000])
def test_a_flood_takes_nothing_from_a_client_that_was_there_before(
    intake: Intake, clock: FakeClock, ports: int
) -> None:
    heard = handled = 0
    intake.admits(CLIENT)
    for _ in range(100):  # ten seconds, with 20 000 datagrams in each
        handled += admitted(intake, range(10_000, 10_000 + ports), 2_000)
        heard += intake.admits(CLIENT)
        clock.advance(0.1)
    assert heard == 100
    own = min(ports, 127)
    assert handled <= BURST + own * OWN_BURST + 10 * (MESSAGES_A_SECOND + own * OWN_MESSAGES_A_SECOND)


def test_a_newcomer_is_heard_during_a_flood_of_one_port(intake: Intake) -> None:
    admitted(intake, range(10_000, 10_001), 100_000)
    assert intake.admits(CLIENT)


def test_a_sender_may_send_thousands_of_messages_at_once(intake: Intake) -> None:
    assert all(intake.admits(CLIENT) for _ in range(5_000))


def test_another_machine_does_not_notice(intake: Intake) -> None:
    admitted(intake, range(10_000, 12_000), 100_000)
    assert all(intake.admits(("10.0.0.1", port)) for port in range(1_000))


def test_the_messages_of_a_bundle_count_as_many(intake: Intake) -> None:
    assert intake.admitted(FLOODER, 128) == 128
    admitted(intake, range(10_000, 10_001), 100_000)
    assert intake.admitted(FLOODER, 128) == 0
    assert not intake.admits(FLOODER)


def test_a_machine_is_told_a_few_times_a_second(intake: Intake, clock: FakeClock) -> None:
    assert sum(intake.may_complain(("127.0.0.1", port)) for port in range(1_000)) == 8
    clock.advance(1)
    assert sum(intake.may_complain(FLOODER) for _ in range(1_000)) == 4


@pytest.mark.parametrize(
    ("host", "other", "are_one"),
    [
        ("127.0.0.1", "::1", True),
        ("127.0.0.1", "127.8.8.8", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", False),
    ],
)
def test_which_addresses_are_one_machine(host: str, other: str, are_one: bool) -> None:
    assert (machine_of((host, 1)) == machine_of((other, 2))) == are_one


def test_only_loopback_is_local() -> None:
    assert is_local(("127.0.0.1", 1))
    assert is_local(("::1", 1, 0, 0))
    assert not is_local(("192.168.0.7", 1))


async def test_long_answers_take_turns_and_keep_their_order() -> None:
    sent: list[tuple[bytes, int]] = []
    outbox = Outbox(lambda datagram, endpoint: sent.append((datagram, endpoint[1])), lambda: 0)
    for port in (1, 2):
        assert outbox.put(("h", port), (b"%d" % number for number in range(100)))
        assert outbox.put(("h", port), [b"after"])
    assert outbox.put(("h", 3), [b"pong"])
    assert [port for _, port in sent] == [1] * AT_ONCE + [2] * AT_ONCE + [3]
    while len(sent) < 203:  # noqa: ASYNC110 - the outbox gives no other sign
        await asyncio.sleep(0)
    for port in (1, 2):
        assert [datagram for datagram, to in sent if to == port] == [
            *(b"%d" % number for number in range(100)),
            b"after",
        ]
    first_end = sent.index((b"after", 1))
    assert sum(port == 2 for _, port in sent[:first_end]) > 80


async def test_what_waits_for_one_receiver_and_for_one_machine_is_limited() -> None:
    outbox = Outbox(lambda *_: None, lambda: 0)
    for number in range(MAX_ANSWERS):
        assert outbox.has_room(("h", 1)), number
        outbox.put(("h", 1), [b"x"] * 10)
    assert not outbox.has_room(("h", 1))
    assert outbox.has_room(("h", 2))
    taken = [outbox.put(("h", port), [b"x"] * 10) for port in range(2, 100)]
    assert taken.count(True) == MAX_LONG_ANSWERS - 1
    assert outbox.put(("h", 100), [b"pong"])  # a short answer always finds its way
    assert outbox.put(("other", 1), [b"x"] * 10)
    outbox.close()


async def test_nothing_is_added_to_a_socket_that_is_full() -> None:
    unsent, sent = [1 << 20], list[bytes]()
    outbox = Outbox(lambda datagram, _: sent.append(datagram), lambda: unsent[0])
    outbox.put(("h", 1), [b"x"] * 10)
    await asyncio.sleep(0.02)
    assert len(sent) == AT_ONCE
    unsent[0] = 0
    while len(sent) < 10:  # noqa: ASYNC110 - the outbox gives no other sign
        await asyncio.sleep(0.001)
    outbox.close()


def bundle_of(message: bytes, count: int) -> bytes:
    return b"#bundle\0" + bytes(8) + (len(message).to_bytes(4, "big") + message) * count


async def test_a_datagram_of_a_thousand_lists_is_answered_in_part_and_others_at_once(
    studio: Studio, client: OscClient, flooder: socket.socket
) -> None:
    studio.bridge.table = {f"j{number}": replace(OVER, id=f"j{number}") for number in range(10)}
    await client.ask("/sab/ping")
    lists = bundle_of(encode(Message("/sab/list")), 800)
    for _ in range(5):
        flooder.sendto(lists, ("127.0.0.1", studio.server.port))
    for number in range(20):
        assert await client.ask("/sab/ping", str(number)) == [Message("/sab/pong", (str(number),))]
    codes, ends = list[object](), 0
    while ends < MAX_ANSWERS or not codes:
        message = await next_at(flooder)
        codes += [message.arguments[1]] if message.address == "/sab/fail" else []
        ends += message.address == "/sab/list.end"
    assert codes
    assert set(codes) == {"busy"}
    assert len(codes) <= 8


async def test_a_program_may_send_hundreds_of_clips_without_waiting_for_answers(
    studio: Studio, flooder: socket.socket
) -> None:
    for number in range(200):
        submission = encode(Message("/sab/submit", ("/loop.wav", "req", str(number))))
        flooder.sendto(submission, ("127.0.0.1", studio.server.port))
    accepted = [message.arguments[0] for message in [await next_at(flooder) for _ in range(200)]]
    assert accepted == [str(number) for number in range(200)]


async def test_what_waits_of_one_sender_is_limited_in_number_and_bytes(clock: FakeClock) -> None:
    dropped = list[Endpoint]()
    arrivals = Arrivals(Intake(clock), lambda _message, _source, _size: False, dropped.append)
    assert [arrivals.put(bytes(60_000), FLOODER) for _ in range(17)].count(
        True
    ) == MAX_WAITING_BYTES_OF_SENDER // 60_000
    assert [arrivals.put(b"", CLIENT) for _ in range(MAX_WAITING + 1)].count(True) == MAX_WAITING
    assert dropped == [FLOODER, CLIENT]
    arrivals.close()


async def test_rubbish_is_answered_a_few_times(studio: Studio, client: OscClient, flooder: socket.socket) -> None:
    for _ in range(50):
        flooder.sendto(b"rubbish", ("127.0.0.1", studio.server.port))
    await client.ask("/sab/ping")
    flooder.sendto(encode(Message("/sab/ping", ("end",))), ("127.0.0.1", studio.server.port))
    answers = [await next_at(flooder)]
    while answers[-1].address != "/sab/pong":
        answers.append(await next_at(flooder))
    assert len(answers) == 9


@pytest.mark.parametrize(
    ("datagram", "asked"),
    [
        (b"/sab/panic\0\0,I\0\0", ("panic",)),
        (b"/sab/stop\0\0\0,S\0\0j6\0\0", ("stop", "j6")),
        (b"/sab/stop\0\0\0,I\0\0", ("stop", None)),
        (b"/sab/cancel\0,Srm\0\0\0\0j7\0\0\0\0\0\0\0\0\0\0", ("cancel", "j7")),
        (b"/sab/cancel\0,s[i[I]]\0\0\0\0j7\0\0\0\0\0\1", ("cancel", "j7")),
    ],
)
async def test_types_of_other_programs_are_understood(
    busy: Studio, client: OscClient, flooder: socket.socket, datagram: bytes, asked: tuple[object, ...]
) -> None:
    assert isinstance(decode(datagram)[0], Message)
    flooder.sendto(datagram, ("127.0.0.1", busy.server.port))
    await client.ask("/sab/ping")
    assert busy.bridge.asked == [asked]


async def test_a_deeply_nested_message_is_answered_and_the_next_one_too(studio: Studio, flooder: socket.socket) -> None:
    tags = b"," + b"[" * 3_000 + b"]" * 3_000
    deep = b"/sab/query\0\0" + tags + b"\0" * (4 - len(tags) % 4)
    ping = encode(Message("/sab/ping", ("next",)))
    parts = b"".join(len(part).to_bytes(4, "big") + part for part in (deep, ping))
    flooder.sendto(b"#bundle\0" + bytes(8) + parts, ("127.0.0.1", studio.server.port))
    fail, pong = [await next_at(flooder) for _ in range(2)]
    assert (fail.arguments[0], fail.arguments[1]) == ("/sab/query", "bad_arguments")
    assert pong == Message("/sab/pong", ("next",))
    assert studio.faults == []


async def test_the_subscriber_too_many_is_told_and_the_others_stay(busy: Studio) -> None:
    clients = [await busy.client() for _ in range(33)]
    for client in clients[:-1]:
        await client.ask("/sab/subscribe", 1, 3600)
    with pytest.raises(TooManyClients, match="32 programs of your machine"):
        await clients[-1].ask("/sab/subscribe", 1)
    assert len(busy.server.subscribers) == 32
    await clients[0].ask("/sab/subscribe", 0)
    await clients[-1].ask("/sab/subscribe", 1)


async def test_a_flood_of_requests_for_folders_does_not_bury_the_desktop(studio: Studio) -> None:
    may_end, shown = asyncio.Event(), list[str]()

    async def show_folder(folder: str, files: Sequence[str]) -> None:
        shown.extend((folder, *files)[:1])
        await may_end.wait()

    serving = serve_osc(
        FakeBridge(table={"j6": OVER}), studio.clock, port=0, defaults=request_for(""), notice=print,
        show_folder=show_folder,
    )  # fmt: skip
    async with serving as server, open_client(port=server.port) as client:
        for _ in range(50):
            client.send("/sab/open", "j6")
        await client.ask("/sab/ping")
        refused = client.received()
        assert {message.arguments[:2] for message in refused} == {("/sab/open", "busy")}
        assert (len(refused), len(shown)) == (46, 4)
        may_end.set()
        await client.ask("/sab/open", "j6")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose port is closed")
async def test_a_subscriber_whose_program_has_ended_is_forgotten_at_the_next_push(
    busy: Studio, client: OscClient
) -> None:
    gone = await busy.client()
    await gone.ask("/sab/subscribe", 1, 3600)
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    await gone.close()
    for _ in range(2):
        busy.bridge.publish(PROGRESSED)
        assert len(await pushed(client)) == 1  # nobody else loses a message by it
    assert len(busy.server.subscribers) == 1


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_the_default_host_is_heard_on_both_loopback_addresses(studio: Studio) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
        other.bind(("::1", 0))
        other.setblocking(False)
        other.sendto(encode(Message("/sab/ping", ("six",))), ("::1", studio.server.port))
        assert await next_at(other) == Message("/sab/pong", ("six",))


PROGRESSED = Progressed(job="j7", stage="separating", fraction=0.6)
