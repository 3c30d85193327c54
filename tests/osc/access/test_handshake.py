"""Challenge and response over real sockets; this machine counts as another computer here."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator

import pytest

from bridge.errors import NotAllowed
from bridge.events import Noticed
from bridge.model import MidiStatus
from bridge.osc.access.gate import PROOF_SECONDS, Gate, Rules
from bridge.osc.access.keys import AccessKey
from bridge.osc.addresses import Message
from bridge.osc.client import NoAnswer, open_client
from bridge.osc.codec import encode
from bridge.osc.server import OscServer, serve_osc
from bridge.osc.traffic import endpoints
from bridge.system import sockets
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.requests import request_for

SECRET, OTHER = AccessKey(b"s" * 43), AccessKey(b"o" * 43)


class Studio:
    """A served bridge that sees every sender as another computer."""

    def __init__(self, server: OscServer, bridge: FakeBridge, clock: FakeClock) -> None:
        self.server, self.bridge, self.clock = server, bridge, clock


@pytest.fixture
async def studio(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    monkeypatch.setattr(sockets, "is_loopback", lambda _: False)
    machines_in_memory = endpoints._machine
    monkeypatch.setattr(endpoints, "_machine", machines_in_memory.__wrapped__)  # what it says here holds nowhere else
    bridge, clock = FakeBridge(midi=MidiStatus(backend="alsa")), FakeClock()
    gate = Gate(Rules(secret=SECRET, allow=(ipaddress.ip_network("127.0.0.0/8"),)), clock)
    noticed = list[Noticed]()
    serving = serve_osc(bridge, clock, port=0, defaults=request_for(""), notice=noticed.append, gate=gate)
    async with serving as server:
        yield Studio(server, bridge, clock)


async def test_a_client_with_the_secret_proves_itself_and_is_served(studio: Studio) -> None:
    async with open_client(port=studio.server.port, keys=[OTHER, SECRET]) as client:
        client.send("/sab/hello", "shell", 1)
        (answer,) = await client.ask("/sab/submit", "/clip.wav", "req", "a")
        assert answer.address == "/sab/accepted"
        assert len(studio.bridge.asked) == 1


async def test_a_client_proves_itself_again_before_its_proof_ends(studio: Studio) -> None:
    async with open_client(port=studio.server.port, keys=[SECRET]) as client:
        client.send("/sab/hello", "shell", 1)
        for _ in range(4):
            await client.ask("/sab/status")
            await client.ask("/sab/status")
            studio.clock.advance(PROOF_SECONDS * 0.6)


@pytest.mark.parametrize(("keys", "words"), [([], "there is none here"), ([OTHER], "another secret")])
async def test_a_client_without_the_right_secret_is_told_so(studio: Studio, keys: list[AccessKey], words: str) -> None:
    async with open_client(port=studio.server.port, keys=keys) as client:
        client.send("/sab/hello", "sab send", 1)
        with pytest.raises(NotAllowed, match=words):
            await client.ask("/sab/status")
    assert studio.bridge.asked == []


async def test_a_program_that_does_not_say_hello_gets_no_answer(studio: Studio) -> None:
    async with open_client(port=studio.server.port) as client:
        with pytest.raises(NoAnswer):
            await client.ask("/sab/list", answer_seconds=0.05)


async def test_a_sender_with_a_forged_address_has_nothing_sent_there(studio: Studio) -> None:
    """Whoever forges an address cannot receive the nonce. Its owner gets that, and no pushes, whatever is asked."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.setblocking(False)
        asked = [
            Message("/sab/hello", ("stranger", 1, victim.getsockname()[1])),
            Message("/sab/subscribe", (1, 86400)),
            Message("/sab/submit", ("/clip.wav",)),
            Message("/sab/list"),
        ]
        sent = 0
        for message in asked:
            sent += len(encode(message))
            victim.sendto(encode(message), ("127.0.0.1", studio.server.port))
        victim.sendto(b"\0\1\2\3", ("127.0.0.1", studio.server.port))
        async with open_client(port=studio.server.port, keys=[SECRET]) as other:  # after it, all that was asked is done
            other.send("/sab/hello", "another", 1)
            await other.ask("/sab/submit", "/clip.wav", "req", "a")
        received = []
        with pytest.raises(BlockingIOError):
            while True:
                received.append(victim.recv(2000))
        await asyncio.sleep(0)
        (nonce,) = received
        assert nonce.startswith(b"/sab/nonce")
        assert len(nonce) <= len(encode(asked[0]))
