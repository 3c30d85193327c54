"""Who has sent what, over real loopback sockets: counts, refusals, the wire, and lines for the log."""

from __future__ import annotations

import socket

from bridge.connections.values import ClientSeen, WireMessage
from bridge.connections.wire import Wire
from bridge.events import Noticed
from bridge.osc.addresses import Message
from bridge.osc.client import open_client
from bridge.osc.codec import encode
from bridge.osc.server import OscServer, serve_osc
from bridge.osc.traffic.ledger import LINES_AT_ONCE, MAX_CLIENTS, Ledger
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.studio import Studio, next_at, pushed


def only_client(server: OscServer) -> ClientSeen:
    (client,) = server.clients()
    return client


async def test_a_client_is_known_by_its_name_and_what_it_sent(studio: Studio) -> None:
    client = await studio.client()
    await client.exchange("/sab/hello", "TouchOSC", 1)
    await client.exchange("/sab/subscribe", 1)
    studio.clock.advance(3)
    seen = only_client(studio.server)
    assert (seen.name, seen.host, seen.is_subscribed) == ("TouchOSC", "127.0.0.1", True)
    assert (seen.received, seen.sent, seen.refused) == (2, 2, 0)
    assert (seen.last_in, seen.last_out) == ("/sab/subscribe", "/sab/done")
    assert (seen.last_in_age_seconds, seen.last_out_age_seconds) == (3, 3)
    assert [line.message.partition(" ")[0] for line in studio.noticed] == ["TouchOSC"]


async def test_refusals_are_counted_and_told_in_one_line_each(studio: Studio) -> None:
    client = await studio.client()
    for _ in range(3):
        await client.exchange("/sab/nothing")
    await client.exchange("/sab/query", "j99")
    seen = only_client(studio.server)
    assert seen.refused == 4
    assert seen.last_refusal == "There is no job j99."
    lines = [line.message for line in studio.noticed]
    assert len(lines) == 2 and "/sab/nothing was refused" in lines[0] and "j99" in lines[1]


async def test_a_client_that_listens_elsewhere_is_one_client(studio: Studio, listener: socket.socket) -> None:
    client = await studio.client()
    port = listener.getsockname()[1]
    client.send("/sab/ping", "a")
    client.send("/sab/hello", "live", 1, port)
    assert (await next_at(listener)).address == "/sab/hello.reply"
    client.send("/sab/ping", "b")
    await next_at(listener)
    seen = only_client(studio.server)
    assert (seen.name, seen.port, seen.received) == ("live", port, 3)


async def test_the_wire_tells_of_each_message_and_keeps_proofs_to_itself() -> None:
    clock, noticed, told = FakeClock(), list[Noticed](), list[WireMessage]()
    wire = Wire(clock)
    serving = serve_osc(FakeBridge(), clock, port=0, defaults=JobRequest(source=""), notice=noticed.append, wire=wire)
    async with serving as server, open_client(port=server.port) as client:
        await client.exchange("/sab/ping", "before")
        end = wire.watch(told.append)
        await client.exchange("/sab/hello", "live", 1, 0, "my pass")
        await client.exchange("/sab/nothing", "\x1b[2J")
        await pushed(client)
        end()
        await client.exchange("/sab/ping", "after")
    assert [(one.is_out, one.address, one.verdict) for one in told[:4]] == [
        (False, "/sab/hello", ""),
        (True, "/sab/hello.reply", ""),
        (False, "/sab/nothing", "unknown_address"),
        (True, "/sab/fail", ""),
    ]
    assert told[0].arguments == '"live" 1 0' and told[2].client == "live"
    assert "\x1b" not in told[2].arguments
    assert "after" not in told[-1].arguments


def test_a_flood_of_strangers_does_not_push_out_a_client_with_a_name() -> None:
    clock, noticed = FakeClock(), list[Noticed]()
    ledger = Ledger(clock, Wire(clock), noticed.append)
    ledger.introduced("live", ("127.0.0.1", 1), ("127.0.0.1", 1))
    for port in range(2, 2 + 2 * MAX_CLIENTS):
        clock.advance(0.001)
        ledger.came(Message("/x"), ("127.0.0.1", port))
        ledger.sent(encode(Message("/y")), ("127.0.0.1", port))
    clients = ledger.clients(lambda _: False)
    assert len(clients) == MAX_CLIENTS and clients[-1].name == "live"
    assert (clients[0].last_in, clients[0].last_out) == ("/x", "/y")


def test_the_log_is_told_of_some_of_many_strangers() -> None:
    clock, noticed = FakeClock(), list[Noticed]()
    ledger = Ledger(clock, Wire(clock), noticed.append)
    for port in range(1, 100):
        ledger.introduced(f"\x1b[31m{port}", ("127.0.0.1", port), ("127.0.0.1", port))
    assert len(noticed) == LINES_AT_ONCE and "\x1b" not in noticed[0].message
