"""Submissions whose file is still being checked: other requests meanwhile, and the submissions' outcome."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bridge.errors import NotAudio
from bridge.events import Submitted
from bridge.model import Job
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.server import serve_osc
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.studio import accepted, next_at


@dataclass
class PatientBridge(FakeBridge):
    """Checks every file until `seen` is set, and records the senders."""

    seen: asyncio.Event = field(default_factory=asyncio.Event)
    senders: list[str] = field(default_factory=list)

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        self.senders.append(sender)
        job, position = await super().submit(request, sender, origin)
        self.publish(Submitted(job=job.id, name=job.name, request=request, unix_seconds=0))
        return job, position


@asynccontextmanager
async def serving_patiently() -> AsyncIterator[tuple[PatientBridge, OscClient, int]]:
    bridge = PatientBridge()
    serving = serve_osc(bridge, FakeClock(), port=0, defaults=JobRequest(source=""), notice=print)
    async with serving as server, open_client(port=server.port) as client:
        yield bridge, client, server.port


QUEUED = Message("/sab/progress", ("job1", "queued", 0.0, -1.0))


async def test_other_requests_are_answered_while_a_file_is_checked() -> None:
    async with serving_patiently() as (bridge, client, _):
        client.send("/sab/submit", "/a.wav", "req", "r")
        assert await client.ask("/sab/ping", "t") == [Message("/sab/pong", ("t",))]
        assert (await client.ask("/sab/status"))[0].arguments[:2] == (0, 0)
        await client.ask("/sab/subscribe", 1)
        bridge.seen.set()
        assert await client.next_push() == accepted("r", "job1", 0)
        assert await client.next_push() == QUEUED


async def test_a_repeated_datagram_is_one_job() -> None:
    async with serving_patiently() as (bridge, client, _):
        for _ in range(3):
            client.send("/sab/submit", "/a.wav", "req", "r")
        await client.ask("/sab/ping", "all three are here")
        bridge.seen.set()
        assert await client.next_push() == accepted("r", "job1", 0)
        assert await client.next_push() == QUEUED
        assert await client.ask("/sab/submit", "/a.wav", "req", "r") == [accepted("r", "job1", 0)]
        assert len(bridge.table) == 1


async def test_a_rejection_comes_after_the_check_and_the_token_may_be_used_again() -> None:
    async with serving_patiently() as (bridge, client, _):
        bridge.refuse = NotAudio("a.wav is not audio that can be decoded.")
        client.send("/sab/submit", "/a.wav", "req", "r")
        await client.ask("/sab/ping", "t")
        bridge.seen.set()
        fail = await client.next_push()
        assert (fail.address, *fail.arguments[:2], fail.arguments[3]) == ("/sab/fail", "/sab/submit", "not_audio", "r")
        bridge.refuse = None
        assert await client.ask("/sab/submit", "/a.wav", "req", "r") == [accepted("r", "job1", 0)]


async def test_cancelling_all_includes_submissions_being_checked() -> None:
    async with serving_patiently() as (bridge, client, _):
        client.send("/sab/submit", "/a.wav", "req", "r")
        await client.ask("/sab/cancel", "*")
        client.send("/sab/submit", "/b.wav", "req", "s")
        await client.ask("/sab/ping", "t")
        bridge.seen.set()
        assert await client.next_push() == accepted("r", "job1", 0)
        await client.ask("/sab/ping", "t")
        assert [asked for asked in bridge.asked if asked[0] == "cancel"] == [("cancel", "job1")]


async def test_the_answer_goes_to_a_port_announced_meanwhile(listener: socket.socket) -> None:
    async with serving_patiently() as (bridge, client, _):
        client.send("/sab/submit", "/a.wav", "req", "r")
        client.send("/sab/hello", "max", 1, listener.getsockname()[1])
        assert (await next_at(listener)).address == "/sab/hello.reply"
        bridge.seen.set()
        assert await next_at(listener) == accepted("r", "job1", 0)
        assert await next_at(listener) == QUEUED


async def test_each_client_is_its_own_sender() -> None:
    async with serving_patiently() as (bridge, client, port), open_client(port=port) as other:
        for sender, req in ((client, "1"), (client, "2"), (other, "3")):
            sender.send("/sab/submit", "/a.wav", "req", req)
            await sender.ask("/sab/ping", req)
        assert bridge.senders[0] == bridge.senders[1] != bridge.senders[2]


async def test_a_server_that_ends_cancels_submissions_being_checked() -> None:
    async with serving_patiently() as (bridge, client, _):
        client.send("/sab/submit", "/a.wav", "req", "r")
        await client.ask("/sab/ping", "t")
    assert bridge.table == {}
