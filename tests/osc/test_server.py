"""What a client sees on the wire, over real loopback sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence

import pytest
from msgspec.structs import replace

from bridge import __version__
from bridge.errors import NotFound, QueueFull
from bridge.events import Ended, MidiStarted, Noticed, Progressed, Submitted
from bridge.model import Job, JobRequest, MidiStatus, Result, Warning
from bridge.osc.addresses import Message
from bridge.osc.client import NoAnswer, OscClient, open_client, parse_argument
from bridge.osc.codec import decode
from bridge.osc.server import CannotListen, serve_osc
from tests.fakes import FakeBridge, FakeClock
from tests.osc.conftest import Studio, pushed

RUNNING = Job(
    id="j7",
    name="loop",
    request=JobRequest(source="/loop.wav"),
    submitted_unix=0,
    state="running",
    stage="separating",
    fraction=0.5,
    output_dir="/out",
    results=(Result(kind="stem", name="bass", path="/out/b.wav", seconds=2, sample_rate_hz=48_000),),
    warnings=(Warning(code="short", message="Short."),),
)
OVER = replace(RUNNING, id="j6", state="done", fraction=1.0)

JOB = Message("/sab/job", ("j7", "running", 0.5, "loop"))
PROGRESS = Message("/sab/progress", ("j7", "separating", 0.5, -1.0))
RESULT = Message("/sab/result", ("j7", "stem", "bass", "/out/b.wav", 2.0, 48_000))
WARNING = Message("/sab/warning", ("j7", "short", "Short."))


def accepted(req: str, job: str, position: int) -> Message:
    return Message("/sab/accepted", (req, job, position))


@pytest.fixture
def busy(studio: Studio) -> Studio:
    studio.bridge.table = {"j6": OVER, "j7": RUNNING}
    studio.bridge.midi = MidiStatus(backend="alsa")
    return studio


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A second socket, as Max's `udpreceive` is one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver


async def next_at(receiver: socket.socket) -> Message:
    datagram = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(receiver, 4096), 5)
    (message,) = decode(datagram)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (("/sab/ping", "x"), [Message("/sab/pong", ("x",))]),
        (("/sab/ping",), [Message("/sab/pong", ("",))]),
        (("/sab/hello", "max", 1), [Message("/sab/hello.reply", (1, __version__, "source-audio-bridge", 1))]),
        (("/sab/status",), [Message("/sab/status.reply", (0, 1, "draft", "cpu", "alsa"))]),
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
    assert busy.noticed == []


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
        (("/sab/play", "j99", "req", "r1"), "not_found", "r1"),
        (("/sab/play", "j7", "sync", "bar"), "bad_arguments", "j7"),
        (("/sab/submit", "/a.wav", "tempo", 5, "req", "r2"), "bad_arguments", "r2"),
        (("/sab/submit", "/a.wav", "speed", 5, "req", "r3"), "bad_arguments", "r3"),
    ],
)
async def test_a_wrong_request_is_answered_and_the_next_one_is_heard(
    busy: Studio, client: OscClient, request_: tuple[str, ...], code: str, subject: str
) -> None:
    address, *arguments = request_
    (fail,) = await client.exchange(address, *arguments)
    assert fail.address == "/sab/fail"
    assert (fail.arguments[0], fail.arguments[1], fail.arguments[3]) == (address, code, subject)
    assert await client.exchange("/sab/ping", "still there") == [Message("/sab/pong", ("still there",))]
    assert busy.noticed == []


async def test_a_job_is_submitted_with_the_servers_defaults(studio: Studio, client: OscClient) -> None:
    answer = await client.exchange("/sab/submit", "/a.wav", "tempo", 120, "stems", "bass", "req", "r1")
    assert answer == [accepted("r1", "job1", 0)]
    request = JobRequest(source="/a.wav", tempo_bpm=120.0, stems=("bass",), format="flac")
    assert studio.bridge.asked == [("submit", request)]


async def test_a_nil_says_nothing(busy: Studio, client: OscClient) -> None:
    for datagram in (b"/sab/panic\0\0,N\0\0", b"/sab/stop\0\0\0,N\0\0"):  # as a button for OSCQuery's type N sends it
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as button:
            button.sendto(datagram, ("127.0.0.1", busy.server.port))
    await client.ask("/sab/ping")
    assert busy.bridge.asked == [("panic",), ("stop", None)]


async def test_the_stem_to_play_may_be_named(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/play", "j6", "Bass")
    await client.ask("/sab/play", "j6", "all")
    assert busy.bridge.asked == [("play", "j6", ("bass",)), ("play", "j6", None)]


async def test_a_repeated_token_is_the_same_job_for_a_minute(studio: Studio, client: OscClient) -> None:
    for _ in range(3):
        assert await client.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job1", 0)]
    assert await client.exchange("/sab/submit", "/a.wav", "req", "r2") == [accepted("r2", "job2", 1)]
    other = await studio.client()
    assert await other.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job3", 2)]
    studio.clock.turn(60.5)
    assert await client.exchange("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job4", 3)]


async def test_without_a_token_every_message_is_a_job(client: OscClient) -> None:
    assert await client.exchange("/sab/submit", "/a.wav") == [accepted("", "job1", 0)]
    assert await client.exchange("/sab/submit", "/a.wav") == [accepted("", "job2", 1)]


async def test_a_refused_job_may_be_tried_again_with_its_token(studio: Studio, client: OscClient) -> None:
    studio.bridge.refuse = QueueFull("The queue is full.")
    with pytest.raises(QueueFull, match="The queue is full"):
        await client.ask("/sab/submit", "/a.wav", "req", "r1")
    studio.bridge.refuse = None
    assert await client.ask("/sab/submit", "/a.wav", "req", "r1") == [accepted("r1", "job1", 0)]


async def test_cancelling_all_cancels_only_ones_own(studio: Studio, client: OscClient) -> None:
    other = await studio.client()
    await client.ask("/sab/submit", "/a.wav")
    await other.ask("/sab/submit", "/b.wav")
    await client.ask("/sab/submit", "/c.wav")
    await client.ask("/sab/cancel", "*")
    assert studio.bridge.asked[-2:] == [("cancel", "job1"), ("cancel", "job3")]


async def test_a_job_that_is_over_is_nobodys_to_cancel(studio: Studio, client: OscClient) -> None:
    await client.ask("/sab/submit", "/a.wav")
    await client.ask("/sab/submit", "/b.wav")
    studio.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1))
    await client.ask("/sab/cancel", "*")
    assert studio.bridge.asked[2:] == [("cancel", "job2")]


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


async def test_a_mismatch_is_told_where_the_client_listens(client: OscClient, listener: socket.socket) -> None:
    client.send("/sab/hello", "max", 9, listener.getsockname()[1])
    assert (await next_at(listener)).arguments[:2] == ("/sab/hello", "protocol")


@pytest.mark.usefixtures("busy")
async def test_a_message_from_a_new_port_counts_for_whoever_announced_one(
    busy: Studio, client: OscClient, listener: socket.socket
) -> None:
    client.send("/sab/hello", "shell", 1, listener.getsockname()[1])
    assert (await next_at(listener)).address == "/sab/hello.reply"
    one_shot = await busy.client()
    assert await one_shot.exchange("/sab/subscribe", 1) == [Message("/sab/done", ("/sab/subscribe", 2))]
    assert (await next_at(listener)).address == "/sab/done"
    assert (await next_at(listener)) == PROGRESS


@pytest.mark.usefixtures("busy")
async def test_a_new_subscriber_is_told_the_state_of_every_live_job(client: OscClient) -> None:
    assert await client.exchange("/sab/subscribe", 1) == [Message("/sab/done", ("/sab/subscribe", 1))]
    assert await pushed(client) == [PROGRESS, RESULT, WARNING]


async def test_everyone_who_subscribed_is_told_and_nobody_else(busy: Studio) -> None:
    first, second, third = [await busy.client() for _ in range(3)]
    await first.ask("/sab/subscribe", 1)
    await second.ask("/sab/subscribe", 1)
    await third.ask("/sab/ping")
    await pushed(first), await pushed(second)
    playing = MidiStarted(job="j6", stem="bass", seconds=2, notes=3)
    busy.bridge.publish(playing)
    told = [Message("/sab/midi.start", ("j6", "bass", 2.0, 3))]
    assert [await pushed(client) for client in (first, second, third)] == [told, told, []]


async def test_who_submits_hears_of_that_job_without_subscribing(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/submit", "/a.wav")
    busy.bridge.publish(Progressed(job="j7", stage="separating", fraction=0.6))
    busy.bridge.publish(Progressed(job="job3", stage="loading", fraction=0.1))
    busy.bridge.publish(Ended(job="job3", outcome="cancelled", unix_seconds=1))
    assert await pushed(client) == [
        Message("/sab/progress", ("job3", "loading", pytest.approx(0.1), -1.0)),
        Message("/sab/finished", ("job3", "cancelled", 0, "")),
    ]


async def test_a_silent_subscriber_is_dropped_and_any_message_keeps_it(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/subscribe", 1, 10)
    await pushed(client)
    busy.clock.turn(9)
    await client.ask("/sab/ping")
    busy.clock.turn(9)
    busy.bridge.publish(MidiStarted(job="j6", stem="bass", seconds=2, notes=3))
    assert len(await pushed(client)) == 1
    busy.clock.turn(10.5)
    busy.bridge.publish(MidiStarted(job="j6", stem="drums", seconds=2, notes=3))
    assert await pushed(client) == []


async def test_the_answer_comes_before_what_the_request_has_caused() -> None:
    class PromptBridge(FakeBridge):
        def submit(self, request: JobRequest) -> tuple[Job, int]:
            job, position = super().submit(request)
            self.publish(Submitted(job=job.id, name=job.name, request=request, unix_seconds=0))
            return job, position

    serving = serve_osc(PromptBridge(), FakeClock(), port=0, engines=(), defaults={}, notice=print)
    async with serving as server, open_client(port=server.port) as client:
        client.send("/sab/submit", "/a.wav", "req", "r")
        assert await client.next_push() == accepted("r", "job1", 0)
        assert await client.next_push() == Message("/sab/progress", ("job1", "queued", 0.0, -1.0))


async def test_progress_is_thinned_out_and_the_newest_comes_when_its_time_has_come(
    busy: Studio, client: OscClient
) -> None:
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    for percent in range(50, 60):
        busy.bridge.publish(Progressed(job="j7", stage="separating", fraction=percent / 100))
    assert await pushed(client) == [PROGRESS]
    busy.clock.turn(1)
    last = await client.next_push()  # the server's own timer sends it
    assert last == Message("/sab/progress", ("j7", "separating", pytest.approx(0.59), -1.0))


async def test_a_cancelled_jobs_late_progress_is_not_told(busy: Studio, client: OscClient) -> None:
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    busy.bridge.publish(Progressed(job="j6", stage="writing", fraction=0.9))
    assert await pushed(client) == []


async def test_an_exception_in_a_handler_is_told_and_logged_and_the_server_goes_on(
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


async def test_garbage_is_answered_and_does_not_drop_what_follows(studio: Studio, listener: socket.socket) -> None:
    for datagram in (b"", b"garbage", b"#bundle\0" + bytes(8) + b"\xff" * 8, b"/sab/ping\0\0\0,s\0\0ok\0\0"):
        listener.sendto(datagram, ("127.0.0.1", studio.server.port))
    told = [await next_at(listener) for _ in range(4)]
    assert [message.address for message in told] == ["/sab/fail"] * 3 + ["/sab/pong"]
    assert {message.arguments[1] for message in told[:3]} == {"bad_arguments"}


async def test_an_answer_is_never_answered(client: OscClient) -> None:
    client.send("/sab/fail", "/sab/fail", "unknown_address", "", "")
    client.send("/done", "/something")
    client.send("/sab/progress")
    assert await pushed(client) == []


async def test_a_client_that_is_gone_disturbs_nobody(busy: Studio, client: OscClient) -> None:
    async with open_client(port=busy.server.port) as gone:
        await gone.ask("/sab/subscribe", 1)
    await client.ask("/sab/subscribe", 1)
    await pushed(client)
    for stem in ("bass", "drums"):
        busy.bridge.publish(MidiStarted(job="j6", stem=stem, seconds=2, notes=3))
    assert len(await pushed(client)) == 2


async def test_the_server_says_that_it_comes_and_that_it_goes(listener: socket.socket) -> None:
    noticed: list[Noticed] = []
    bridge = FakeBridge()
    serving = serve_osc(
        bridge, FakeClock(), port=0, engines=(), defaults={}, notice=noticed.append,
        announce_to=[listener.getsockname()],
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


async def test_a_taken_port_is_named_and_another_one_offered(studio: Studio) -> None:
    serving = serve_osc(FakeBridge(), FakeClock(), port=studio.server.port, engines=(), defaults={}, notice=print)
    with pytest.raises(CannotListen, match=rf"UDP port {studio.server.port} .*--port") as caught:
        async with serving:
            pass
    assert "\n" not in str(caught.value)


async def test_where_no_bridge_listens_the_client_says_so(listener: socket.socket) -> None:
    async with open_client(port=listener.getsockname()[1]) as client:
        with pytest.raises(NoAnswer, match="sab serve"):
            await client.ask("/sab/ping", answer_seconds=0.05)


async def test_a_refusal_reaches_the_caller_as_the_error_it_was(client: OscClient) -> None:
    with pytest.raises(NotFound, match="There is no job j99") as caught:
        await client.ask("/sab/query", "j99")
    assert caught.value.code == "not_found"


@pytest.mark.parametrize(
    ("written", "argument"),
    [
        ("1.5", 1.5),
        ("-3", -3),
        ("1e3", 1000.0),
        ("0", 0),
        ("007", "007"),
        ("1.", "1."),
        ("nan", "nan"),
        ("99999999999", "99999999999"),
        ("/a b.wav", "/a b.wav"),
        ('"3"', "3"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_arguments_as_a_person_types_them(written: str, argument: str | float) -> None:
    parsed = parse_argument(written)
    assert parsed == argument
    assert type(parsed) is type(argument)
