"""The server's answers to requests, over real loopback sockets."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from bridge import __version__
from bridge.errors import BadArguments, QueueFull
from bridge.events import Ended, Noticed
from bridge.osc.addresses import Message
from bridge.osc.arguments import read_arguments
from bridge.osc.client import OscClient, open_client
from bridge.osc.handlers import Call, ServerContext, open_folder
from bridge.osc.peers import Peers
from bridge.osc.server import CannotListen, serve_osc
from bridge.request import JobRequest
from bridge.store.returning_subscribers import ReturningSubscriber
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.loopback import has_ipv6
from tests.support.requests import request_for
from tests.support.studio import RESULT, RUNNING, Studio, accepted, next_at, pushed

JOB = Message("/sab/job", ("j7", "running", 0.5, "loop"))


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (("/sab/ping", "x"), [Message("/sab/pong", ("x",))]),
        (("/sab/ping",), [Message("/sab/pong", ("",))]),
        (("/sab/hello", "max", 1), [Message("/sab/hello.reply", (1, __version__, "source-audio-bridge", 1))]),
        (("/sab/status",), [Message("/sab/status.reply", (0, 1, "draft", "cpu", "alsa", "here"))]),
        (("/sab/subscribe", 0), [Message("/sab/done", ("/sab/subscribe", 1))]),
        (
            ("/sab/list",),
            [
                Message("/sab/list.begin", (2,)),
                Message("/sab/job", ("j6", "done", 1.0, "loop")),
                JOB,
                Message("/sab/list.end"),
            ],
        ),
        (("/sab/query", "j7"), [JOB, RESULT]),
        (("/sab/cancel", "j7"), [Message("/sab/done", ("/sab/cancel", "j7"))]),
        (("/sab/cancel", "*"), [Message("/sab/done", ("/sab/cancel", "*"))]),
        (("/sab/play", "j6"), [Message("/sab/done", ("/sab/play", "j6"))]),
        (("/sab/stop",), [Message("/sab/done", ("/sab/stop", ""))]),
        (("/sab/stop", "j6"), [Message("/sab/done", ("/sab/stop", "j6"))]),
        (("/sab/panic",), [Message("/sab/done", ("/sab/panic", ""))]),
        (("/sab/open", "j7"), [Message("/sab/done", ("/sab/open", "j7"))]),
        (
            ("/sab/models",),
            [
                Message("/sab/models.begin", (1,)),
                Message("/sab/model", ("draft", 1, 1, "built in")),
                Message("/sab/models.end"),
            ],
        ),
    ],
)
async def test_a_request_and_its_answer(
    busy: Studio, client: OscClient, request_: tuple[str, ...], answer: Sequence[Message]
) -> None:
    address, *arguments = request_
    assert await client.exchange(address, *arguments) == answer
    assert busy.faults == []


@pytest.mark.parametrize(
    ("request_", "code", "subject"),
    [
        (("/sab/explode",), "unknown_address", ""),
        (("/other/program", 1), "unknown_address", ""),
        (("/sab/hello", "max", 2), "protocol", ""),
        (("/sab/hello", "max", 1, 70_000), "bad_arguments", ""),
        (("/sab/subscribe", 1, -5), "bad_arguments", ""),
        (("/sab/query",), "bad_arguments", ""),
        (("/sab/query", "j99"), "not_found", "j99"),
        (("/sab/cancel", "j99"), "not_found", "j99"),
        (("/sab/open",), "bad_arguments", ""),
        (("/sab/open", "j99"), "not_found", "j99"),
        (("/sab/open", "/etc"), "not_found", "/etc"),
        (("/sab/open", "../j7"), "not_found", "../j7"),
        (("/sab/open", "j7; open /etc"), "not_found", "j7; open /etc"),
        (("/sab/play", "j99", "req", "r1"), "not_found", "r1"),
        (("/sab/play", "j7", "sync", "bar"), "bad_arguments", "j7"),
        (("/sab/submit", "/a.wav", "tempo", 5, "req", "r2"), "bad_arguments", "r2"),
        (("/sab/submit", "/a.wav", "speed", 5, "req", "r3"), "bad_arguments", "r3"),
    ],
)
async def test_a_wrong_request_is_rejected_and_the_next_one_answered(
    busy: Studio, client: OscClient, request_: tuple[str, ...], code: str, subject: str
) -> None:
    address, *arguments = request_
    (fail,) = await client.exchange(address, *arguments)
    assert fail.address == "/sab/fail"
    assert (fail.arguments[0], fail.arguments[1], fail.arguments[3]) == (address, code, subject)
    assert await client.exchange("/sab/ping", "still there") == [Message("/sab/pong", ("still there",))]
    assert busy.faults == []


async def test_a_job_is_submitted_with_the_servers_defaults(studio: Studio, client: OscClient) -> None:
    answer = await client.exchange("/sab/submit", "/a.wav", "tempo", 120, "stems", "bass", "req", "r1")
    assert answer == [accepted("r1", "job1", 0)]
    request = request_for("/a.wav", tempo_bpm=120.0, stems=("bass",), format="flac")
    assert studio.bridge.asked == [("submit", request)]


async def test_a_nil_is_no_argument(busy: Studio, client: OscClient) -> None:
    for datagram in (b"/sab/panic\0\0,N\0\0", b"/sab/stop\0\0\0,N\0\0"):  # as sent by a button for OSCQuery's type N
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as button:
            button.sendto(datagram, ("127.0.0.1", busy.server.port))
    await client.ask("/sab/ping")
    assert busy.bridge.asked == [("panic",), ("stop", None)]


async def test_the_stem_to_play_may_be_named(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/play", "j6", "Bass")
    await client.ask("/sab/play", "j6", "all")
    assert busy.bridge.asked == [("play", "j6", ("bass",)), ("play", "j6", None)]


async def test_a_repeated_token_means_the_same_job_for_a_minute(studio: Studio, client: OscClient) -> None:
    for _ in range(3):
        assert await client.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job1", 0)]
    assert await client.exchange("/sab/submit", "/a.wav", "req", "r2") == [accepted("r2", "job2", 1)]
    other = await studio.client()
    assert await other.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job3", 2)]
    studio.clock.advance(60.5)
    assert await client.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job4", 3)]


async def test_without_a_token_every_message_is_a_job(client: OscClient) -> None:
    assert await client.exchange("/sab/submit", "/a.wav") == [accepted("", "job1", 0)]
    assert await client.exchange("/sab/submit", "/a.wav") == [accepted("", "job2", 1)]


async def test_a_rejected_job_may_be_sent_again_with_its_token(studio: Studio, client: OscClient) -> None:
    studio.bridge.refuse = QueueFull("The queue is full.")
    with pytest.raises(QueueFull, match="The queue is full"):
        await client.ask("/sab/submit", "/a.wav", "req", "r1")
    studio.bridge.refuse = None
    assert await client.ask("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job1", 0)]


async def test_cancelling_all_cancels_only_the_peers_own_jobs(studio: Studio, client: OscClient) -> None:
    other = await studio.client()
    await client.ask("/sab/submit", "/a.wav")
    await other.ask("/sab/submit", "/b.wav")
    await client.ask("/sab/submit", "/c.wav")
    await client.ask("/sab/cancel", "*")
    assert studio.bridge.asked[-2:] == [("cancel", "job1"), ("cancel", "job3")]


async def test_cancelling_all_goes_on_after_a_job_that_the_bridge_has_lost(studio: Studio, client: OscClient) -> None:
    for clip in ("/a.wav", "/b.wav"):
        await client.ask("/sab/submit", clip)
    del studio.bridge.table["job1"]
    await client.ask("/sab/cancel", "*")
    assert studio.bridge.asked[2:] == [("cancel", "job2")]


async def test_cancelling_all_skips_jobs_that_have_ended(studio: Studio, client: OscClient) -> None:
    await client.ask("/sab/submit", "/a.wav")
    await client.ask("/sab/submit", "/b.wav")
    studio.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1))
    await client.ask("/sab/cancel", "*")
    assert studio.bridge.asked[2:] == [("cancel", "job2")]


async def test_a_protocol_mismatch_is_sent_to_the_announced_port(client: OscClient, listener: socket.socket) -> None:
    client.send("/sab/hello", "max", 9, listener.getsockname()[1])
    assert (await next_at(listener)).arguments[:2] == ("/sab/hello", "protocol")


async def test_an_exception_in_a_handler_is_answered_and_logged_and_the_server_goes_on(
    busy: Studio, client: OscClient
) -> None:
    busy.bridge.refuse = ZeroDivisionError("oops")
    for address, argument in (("/sab/submit", "/a.wav"), ("/sab/play", "j6")):
        (fail,) = await client.exchange(address, argument)
        assert fail.arguments[:2] == (address, "internal")
        assert "oops" not in str(fail.arguments[2])
    assert [notice.level for notice in busy.noticed] == ["error", "error"]
    assert all("oops" in notice.message for notice in busy.noticed)
    assert await client.ask("/sab/ping")


async def test_garbage_is_rejected_and_the_next_message_answered(studio: Studio, listener: socket.socket) -> None:
    for datagram in (b"", b"garbage", b"#bundle\0" + bytes(8) + b"\xff" * 8, b"/sab/ping\0\0\0,s\0\0ok\0\0"):
        listener.sendto(datagram, ("127.0.0.1", studio.server.port))
    answers = [await next_at(listener) for _ in range(4)]
    assert [message.address for message in answers] == ["/sab/fail"] * 3 + ["/sab/pong"]
    assert {message.arguments[1] for message in answers[:3]} == {"bad_arguments"}


async def test_an_answer_is_never_answered(client: OscClient) -> None:
    client.send("/sab/fail", "/sab/fail", "unknown_address", "", "")
    client.send("/done", "/something")
    client.send("/sab/progress")
    assert await pushed(client) == []


async def test_the_server_announces_its_start_and_its_end(listener: socket.socket) -> None:
    noticed: list[Noticed] = []
    bridge = FakeBridge()
    serving = serve_osc(
        bridge, FakeClock(), port=0, defaults=JobRequest(source=""), notice=noticed.append,
        returning=[ReturningSubscriber(*listener.getsockname())],
    )  # fmt: skip
    async with serving as server:
        assert await next_at(listener) == Message("/sab/startup", (__version__,))
        assert server.url == f"osc.udp://127.0.0.1:{server.port}"
        async with open_client(port=server.port) as client:
            await client.ask("/sab/subscribe", 1, 60)
            client.send("/sab/hello", "shell", 1, listener.getsockname()[1])
            assert (await next_at(listener)).address == "/sab/hello.reply"
    assert await next_at(listener) == Message("/sab/bye", (__version__,))
    assert bridge.listeners == []


async def test_a_server_on_all_addresses_announces_its_start_to_ipv4_clients(listener: socket.socket) -> None:
    serving = serve_osc(
        FakeBridge(), FakeClock(), host="::", port=0, defaults=JobRequest(source=""), notice=print,
        returning=[ReturningSubscriber(*listener.getsockname())],
    )  # fmt: skip
    if not has_ipv6():
        with pytest.raises(CannotListen, match="of ::"):
            await serving.__aenter__()
        return
    async with serving as server:
        assert await next_at(listener) == Message("/sab/startup", (__version__,))
        async with open_client(port=server.port) as client:  # 127.0.0.1
            assert (await client.ask("/sab/ping", "there"))[0].arguments == ("there",)


async def test_the_error_for_a_port_in_use_names_the_port_and_the_option(studio: Studio) -> None:
    serving = serve_osc(
        FakeBridge(), FakeClock(), port=studio.server.port, defaults=JobRequest(source=""), notice=print
    )
    with pytest.raises(CannotListen, match=rf"UDP port {studio.server.port} .*--port") as caught:
        async with serving:
            pass
    assert "\n" not in str(caught.value)


async def test_an_invalid_host_is_named() -> None:
    serving = serve_osc(FakeBridge(), FakeClock(), host="a..b", port=0, defaults=JobRequest(source=""), notice=print)
    with pytest.raises(CannotListen, match=r"of a\.\.b"):
        async with serving:
            pass


async def test_only_the_folder_of_a_known_job_is_shown(busy: Studio, client: OscClient) -> None:
    await client.exchange("/sab/open", "/out")
    await client.exchange("/sab/open", "j7", "/etc")
    assert busy.shown == [("/out", ("/out/b.wav",))]


async def test_a_job_that_has_not_begun_has_no_folder_to_show(busy: Studio, client: OscClient) -> None:
    busy.bridge.table["j8"] = replace(RUNNING, id="j8", state="queued", output_dir="")
    (fail,) = await client.exchange("/sab/open", "j8")
    assert fail.arguments[1] == "not_found"
    assert busy.shown == []


async def test_another_computer_cannot_open_windows_here(busy: Studio) -> None:
    context = ServerContext(bridge=busy.bridge, peers=Peers(busy.clock), defaults=request_for(""))
    source = ("192.0.2.7", 9000)
    arguments = read_arguments(Message("/sab/open", ("j7",)))
    with pytest.raises(BadArguments, match="own computer"):
        await open_folder(Call(context, source, context.peers.of(source), arguments))
