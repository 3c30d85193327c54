"""Which clients receive which answers and pushes, over real loopback sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bridge import __version__
from bridge.events import Ended, MidiStarted, Progressed, Submitted
from bridge.model import Job
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.codec import encode
from bridge.osc.server import serve_osc
from bridge.request import JobRequest
from bridge.store.returning_subscribers import ReturningSubscriber
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.studio import RESULT, Studio, accepted, next_at, pushed

PROGRESS = Message("/sab/progress", ("j7", "separating", 0.5, -1.0))
WARNING = Message("/sab/warning", ("j7", "short", "Short."))


async def test_answers_and_pushes_go_to_the_port_that_was_announced(
    studio: Studio, client: OscClient, listener: socket.socket
) -> None:
    client.send("/sab/hello", "max", 1, listener.getsockname()[1])
    assert (await next_at(listener)).address == "/sab/hello.reply"
    client.send("/sab/submit", "/a.wav", "req", "r1")
    assert await next_at(listener) == accepted("r1", "job1", 0)
    studio.bridge.publish(Progressed(job="job1", stage="loading", fraction=0))
    assert await next_at(listener) == Message("/sab/progress", ("job1", "loading", 0.0, -1.0))
    assert client.received() == []


@pytest.mark.usefixtures("busy")
async def test_a_message_from_a_new_port_counts_for_the_client_that_announced_one(
    busy: Studio, client: OscClient, listener: socket.socket
) -> None:
    client.send("/sab/hello", "shell", 1, listener.getsockname()[1])
    assert (await next_at(listener)).address == "/sab/hello.reply"
    one_shot = await busy.client()
    assert await one_shot.exchange("/sab/subscribe", 1) == [Message("/sab/done", ("/sab/subscribe", 2))]
    assert (await next_at(listener)).address == "/sab/done"
    assert (await next_at(listener)) == PROGRESS


@pytest.mark.usefixtures("busy")
async def test_a_new_subscriber_receives_the_state_of_every_live_job(client: OscClient) -> None:
    assert await client.exchange("/sab/subscribe", 1) == [Message("/sab/done", ("/sab/subscribe", 1))]
    assert await pushed(client) == [PROGRESS, RESULT, WARNING]


async def test_all_subscribers_and_no_others_receive_pushes(busy: Studio) -> None:
    first, second, third = [await busy.client() for _ in range(3)]
    await first.ask("/sab/subscribe", 1)
    await second.ask("/sab/subscribe", 1)
    await third.ask("/sab/ping")
    await pushed(first), await pushed(second)
    playing = MidiStarted(job="j6", stem="bass", seconds=2, notes=3)
    busy.bridge.publish(playing)
    expected = [Message("/sab/midi.start", ("j6", "bass", 2.0, 3))]
    assert [await pushed(client) for client in (first, second, third)] == [expected, expected, []]


async def test_a_submitter_receives_its_jobs_pushes_without_subscribing(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/submit", "/a.wav")
    busy.bridge.publish(Progressed(job="j7", stage="separating", fraction=0.6))
    busy.bridge.publish(Progressed(job="job3", stage="loading", fraction=0.1))
    busy.bridge.publish(Ended(job="job3", outcome="cancelled", unix_seconds=1))
    assert await pushed(client) == [
        Message("/sab/progress", ("job3", "loading", pytest.approx(0.1), -1.0)),
        Message("/sab/finished", ("job3", "cancelled", 0, "")),
    ]


async def test_a_silent_subscription_expires_and_any_message_renews_it(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/subscribe", 1, 10)
    await pushed(client)
    busy.clock.advance(9)
    await client.ask("/sab/ping")
    busy.clock.advance(9)
    busy.bridge.publish(MidiStarted(job="j6", stem="bass", seconds=2, notes=3))
    assert len(await pushed(client)) == 1
    busy.clock.advance(10.5)
    busy.bridge.publish(MidiStarted(job="j6", stem="drums", seconds=2, notes=3))
    assert await pushed(client) == []


async def test_the_answer_comes_before_the_effects_of_the_request() -> None:
    class PromptBridge(FakeBridge):
        async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
            await asyncio.sleep(0)  # the file is checked meanwhile
            job, position = await super().submit(request, sender, origin)
            self.publish(Submitted(job=job.id, name=job.name, request=request, unix_seconds=0))
            return job, position

    serving = serve_osc(PromptBridge(), FakeClock(), port=0, defaults=JobRequest(source=""), notice=print)
    async with serving as server, open_client(port=server.port) as client:
        client.send("/sab/submit", "/a.wav", "req", "r")
        assert await client.next_push() == accepted("r", "job1", 0)
        assert await client.next_push() == Message("/sab/progress", ("job1", "queued", 0.0, -1.0))


async def test_late_progress_of_a_job_that_has_ended_is_not_sent(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    busy.bridge.publish(Progressed(job="j6", stage="writing", fraction=0.9))
    assert await pushed(client) == []


async def test_a_client_that_is_gone_does_not_affect_others(busy: Studio, client: OscClient) -> None:
    async with open_client(port=busy.server.port) as gone:
        await gone.ask("/sab/subscribe", 1)
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    for stem in ("bass", "drums"):
        busy.bridge.publish(MidiStarted(job="j6", stem=stem, seconds=2, notes=3))
    assert len(await pushed(client)) == 2


async def test_a_stranger_touches_nothing_of_a_client(busy: Studio, client: OscClient, listener: socket.socket) -> None:
    client.send("/sab/hello", "max", 1, listener.getsockname()[1])
    client.send("/sab/subscribe", 1, 3600)
    client.send("/sab/submit", "/a.wav", "req", "r1")
    while (await next_at(listener)).address != "/sab/accepted":
        pass
    for request in (("/sab/cancel", "*"), ("/sab/subscribe", 1, 1), ("/sab/subscribe", 0), ("/sab/submit", "/b.wav")):
        stranger = await busy.client()  # each from a new port
        await stranger.ask(*request)
    busy.clock.advance(3_000)
    assert [asked[0] for asked in busy.bridge.asked] == ["submit", "submit"]
    busy.bridge.publish(MidiStarted(job="j6", stem="bass", seconds=2, notes=3))
    assert await next_at(listener) == Message("/sab/midi.start", ("j6", "bass", 2.0, 3))  # and no answer of theirs


async def test_a_stranger_cancels_nothing_of_a_shell(
    studio: Studio, client: OscClient, listener: socket.socket
) -> None:
    client.send("/sab/hello", "shell", 1, listener.getsockname()[1])
    one_shot, stranger = await studio.client(), await studio.client()
    await one_shot.ask("/sab/submit", "/a.wav")
    await stranger.ask("/sab/cancel", "*")
    await one_shot.ask("/sab/cancel", "*")
    assert [asked for asked in studio.bridge.asked if asked[0] == "cancel"] == [("cancel", "job1")]


async def test_a_client_hears_the_next_bridge_and_the_rest_of_its_job(
    studio: Studio, client: OscClient, listener: socket.socket
) -> None:
    client.send("/sab/hello", "max", 1, listener.getsockname()[1])
    client.send("/sab/submit", "/a.wav")
    while (await next_at(listener)).address != "/sab/accepted":
        pass
    asker = await studio.client()
    await asker.ask("/sab/ping")
    stored = studio.server.subscribers  # the bridge is killed now
    bridge = FakeBridge(table=dict(studio.bridge.table))
    serving = serve_osc(bridge, FakeClock(), port=0, defaults=JobRequest(source=""), notice=print, returning=stored)
    async with serving as server:
        assert await next_at(listener) == Message("/sab/startup", (__version__,))
        assert server.subscribers == stored
        bridge.publish(Ended(job="job9", outcome="done", unix_seconds=1))
        bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1))
        assert await next_at(listener) == Message("/sab/finished", ("job1", "done", 0, ""))
    assert len(stored) == 1


async def test_a_subscription_goes_on_with_the_next_bridge(studio: Studio, listener: socket.socket) -> None:
    listener.sendto(encode(Message("/sab/subscribe", (1, 3600))), ("127.0.0.1", studio.server.port))
    assert (await next_at(listener)).address == "/sab/done"
    bridge, clock = FakeBridge(), FakeClock(now=5.0)
    serving = serve_osc(
        bridge, clock, port=0, defaults=JobRequest(source=""), notice=print, returning=studio.server.subscribers
    )
    async with serving as server:
        assert await next_at(listener) == Message("/sab/startup", (__version__,))
        clock.advance(3_600)
        bridge.publish(Ended(job="job9", outcome="done", unix_seconds=1))
        assert await next_at(listener) == Message("/sab/finished", ("job9", "done", 0, ""))
        clock.advance(1)
        assert server.subscribers == ()


async def test_what_a_next_start_must_know_is_stored_soon_after_it_changes() -> None:
    stored = asyncio.Queue[tuple[ReturningSubscriber, ...]]()
    serving = serve_osc(
        FakeBridge(), FakeClock(), port=0, defaults=JobRequest(source=""), notice=print, remember=stored.put_nowait
    )
    async with serving as server, open_client(port=server.port) as client:
        await client.ask("/sab/subscribe", 1, 120)
        (subscriber,) = await asyncio.wait_for(stored.get(), 10)
        assert (subscriber.host, subscriber.ttl_seconds) == ("127.0.0.1", 120)
        await client.ask("/sab/subscribe", 0)
        assert await asyncio.wait_for(stored.get(), 10) == ()
