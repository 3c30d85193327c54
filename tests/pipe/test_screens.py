"""Screens of one bridge: several, slow ones, killed ones, foreign ones, and what is no screen at all."""

from __future__ import annotations

import asyncio
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from bridge import __version__
from bridge.errors import NotAllowed, ProtocolMismatch, TooManyClients
from bridge.events import Ended, Event, Noticed, Submitted
from bridge.pipe import doorway, server
from bridge.pipe.client import attached, facts_of
from bridge.pipe.doorway import PORT_NAME, SOCKET_NAME, Doorway, NoBridge, go_through, hang_up
from bridge.pipe.messages import Ask, Hello, framed, raw
from bridge.pipe.remote import BridgeEnded
from bridge.processes.frames import HEADER, frame
from tests.support.fakes import FakeBridge
from tests.support.requests import request_for
from tests.support.seam import SeamBench, until

ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets in asyncio")


@pytest.fixture(params=[pytest.param("socket", marks=ON_POSIX), "port"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bridge's own folder, once where there are Unix sockets and once where there are none."""
    if request.param == "port":
        monkeypatch.setattr(doorway, "MAX_SOCKET_PATH_BYTES", 0)
    return tmp_path / "9720"


@pytest.fixture
async def bench() -> AsyncIterator[SeamBench]:
    bench = SeamBench()
    yield bench
    await bench.local.close()


async def test_two_screens_see_and_steer_the_same_bridge(bench: SeamBench, folder: Path, clip: Path) -> None:
    async with bench.served(folder) as screens, attached(folder) as first, attached(folder) as second:
        assert screens.screens == 2
        job, _ = await first.bridge.submit(request_for(clip))
        await until(lambda: bool(second.bridge.jobs()))
        assert second.bridge.jobs() == (job,)
        second.bridge.cancel(job.id)
        await until(lambda: first.bridge.job(job.id).is_cancelling)


async def test_a_screen_has_the_defaults_of_its_bridge(bench: SeamBench, folder: Path, clip: Path) -> None:
    async with bench.served(folder), attached(folder) as screen:
        assert (screen.address, screen.default_sync) == ("osc.udp://127.0.0.1:9720", "jack")
        assert (await screen.request(str(clip), {"engine": "good"})).engine.name == "good"


async def test_nothing_remains_of_a_bridge_that_ended_and_of_a_killed_one_nothing_is_in_the_way(
    bench: SeamBench, folder: Path
) -> None:
    async with bench.served(folder):
        left = {path.name: path.read_bytes() if path.is_file() else None for path in folder.iterdir()}
    assert not [*folder.iterdir()]
    for name, content in left.items():
        (folder / name).write_bytes(content or b"")
    with pytest.raises(NoBridge):
        await go_through(folder)
    assert await facts_of(folder) is None
    async with bench.served(folder):
        assert (await facts_of(folder)) is not None


async def test_a_bridge_that_ends_says_so(bench: SeamBench, folder: Path) -> None:
    async with AsyncExitStack() as parts:
        await parts.enter_async_context(bench.served(folder))
        async with attached(folder) as screen:
            await parts.aclose()
            with pytest.raises(BridgeEnded, match="was quit"):
                await asyncio.wait_for(screen.until_ended(), 5)
            with pytest.raises(BridgeEnded):
                await screen.bridge.models()
            screen.bridge.panic()  # said into the void, like a key that is pressed too late


async def test_a_screen_may_ask_the_bridge_to_end(bench: SeamBench, folder: Path) -> None:
    async with bench.served(folder), attached(folder, is_screen=False) as asking:
        asking.bridge.ask_to_quit()
        await asyncio.wait_for(bench.quit_asked.wait(), 5)


async def test_another_version_is_told_to_restart_the_bridge(
    bench: SeamBench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench.served(folder):
        monkeypatch.setattr("bridge.pipe.messages.__version__", "99.0")
        with pytest.raises(ProtocolMismatch, match=f"version {__version__}.*99.0.*start it again"):
            await facts_of(folder)


async def test_a_newer_hello_with_more_in_it_is_understood(bench: SeamBench, folder: Path) -> None:
    async with bench.served(folder):
        reader, writer = await go_through(folder)
        writer.write(frame(msgspec.msgpack.encode({"type": "hello", "version": "99", "protocol": 7, "colour": "red"})))
        assert b"greeting" in await asyncio.wait_for(reader.read(), 5)  # and then the bridge hangs up
        await hang_up(writer)


async def test_screens_have_a_limit(bench: SeamBench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_SCREENS", 2)
    async with bench.served(folder), attached(folder), attached(folder):
        with pytest.raises(TooManyClients):
            async with attached(folder):
                pass


async def test_a_screen_that_does_not_read_is_let_go_and_nobody_waits_for_it(
    bench: SeamBench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_UNREAD_BYTES", 1_000_000)
    async with bench.served(folder) as screens, attached(folder) as good:
        _, writer = await go_through(folder)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(framed(Hello(is_screen=True)))
        await until(lambda: screens.screens == 2)
        seen: list[Event] = []
        good.bridge.subscribe(seen.append)
        for said in range(10, 2000, 10):
            for _ in range(10):
                bench.bus.publish(Noticed(level="info", message="x" * 20_000))
            await until(lambda said=said: len(seen) == said)  # type: ignore[misc]
            if screens.screens == 1:
                break
        assert screens.screens == 1
        await hang_up(writer, at_once=True)


async def test_a_killed_screen_is_forgotten_and_what_it_asked_is_done(
    bench: SeamBench, folder: Path, clip: Path
) -> None:
    async with bench.served(folder) as screens:
        reader, writer = await go_through(folder)
        writer.write(framed(Hello(is_screen=True)))
        await reader.readexactly(HEADER.size)
        writer.write(framed(Ask(number=1, method="submit", arguments=raw((request_for(clip), "", "")))))
        await writer.drain()
        await hang_up(writer)
        await until(lambda: bool(bench.local.jobs()))
        await until(lambda: screens.screens == 0)
    assert not bench.local.jobs()[0].is_cancelling


async def test_too_many_questions_at_once_are_refused(
    bench: SeamBench, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_PENDING_ASKS", 2)
    release = asyncio.Event()
    slow = FakeBridge(seen=release)
    async with bench.served(folder, slow), attached(folder) as screen:
        asked = [asyncio.create_task(screen.bridge.submit(request_for("/clip.wav"))) for _ in range(4)]
        await until(lambda: sum(task.done() for task in asked) == 2)
        release.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [getattr(answer, "code", "") for answer in answers] == ["", "", "busy", "busy"]


async def test_work_that_nobody_waits_for_any_more_ends(bench: SeamBench, folder: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    class SlowBridge(FakeBridge):
        async def outline(self, path: str) -> bytes:
            del path
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            return b""

    async with bench.served(folder, SlowBridge()), attached(folder) as screen:
        asking = asyncio.create_task(screen.bridge.outline("/clip.wav"))
        await asyncio.wait_for(begun.wait(), 5)
        asking.cancel()
        await asyncio.wait_for(ended.wait(), 5)


@pytest.mark.parametrize(
    ("method", "arguments", "words"),
    [
        ("close", (), "No screen may ask for close"),
        ("__class__", (), "No screen may ask"),
        ("submit.__func__", (), "No screen may ask"),
        ("cancel", (5,), "no arguments of cancel"),
        ("cancel", (), "no arguments of cancel"),
        ("submit", ("x", "y"), "no arguments of submit"),
    ],
)
async def test_only_the_table_s_methods_can_be_called(
    bench: SeamBench, tmp_path: Path, method: str, arguments: tuple[object, ...], words: str
) -> None:
    async with bench.served(tmp_path):
        reader, writer = await go_through(tmp_path)
        writer.write(framed(Hello()) + framed(Ask(number=7, method=method, arguments=raw(arguments))))
        assert words.encode() in await asyncio.wait_for(reader.readuntil(words.encode()), 5)
        await hang_up(writer)


_HELLO = framed(Hello(is_screen=True))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=some.one_of(
        some.binary(max_size=200),
        some.binary(max_size=200).map(lambda tail: _HELLO + tail),
        some.binary(min_size=1, max_size=200).map(lambda payload: _HELLO + frame(payload)),
        some.recursive(some.none() | some.integers(-9, 9) | some.text(), some.lists, max_leaves=8).map(
            lambda value: _HELLO + frame(msgspec.msgpack.encode({"type": "ask", "number": 1, "method": value}))
        ),
        some.sampled_from([HEADER.pack(2**32 - 1), HEADER.pack(1024 * 1024 + 1), HEADER.pack(0), _HELLO * 2]),
    )
)
def test_hostile_bytes_end_one_connection_and_nothing_else(tmp_path: Path, data: bytes) -> None:
    async def knock() -> None:
        bench = SeamBench()
        async with bench.served(tmp_path) as screens:
            async with attached(tmp_path) as screen:
                reader, writer = await go_through(tmp_path)
                writer.write(data)
                writer.write_eof()
                await asyncio.wait_for(screen.bridge.models(), 10)
                with suppress(ConnectionError):
                    await asyncio.wait_for(reader.read(), 10)  # until the bridge hangs up
                await hang_up(writer)
                await until(lambda: screens.screens == 1)
            assert not bench.quit_asked.is_set()
        await bench.local.close()

    asyncio.run(knock())


async def test_who_says_nothing_is_let_go(bench: SeamBench, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HELLO_SECONDS", 0.0)
    async with bench.served(folder):
        reader, writer = await go_through(folder)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await hang_up(writer)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose socket it is")
async def test_other_accounts_are_kept_out(bench: SeamBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "9720"
    async with bench.served(folder):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / SOCKET_NAME).stat().st_mode) == 0o600
        monkeypatch.setattr("os.geteuid", lambda: 12345)
        monkeypatch.setattr("bridge.pipe.doorway.ROOT", 54321)
        with pytest.raises(NotAllowed):
            await facts_of(folder)


async def test_who_does_not_have_the_key_is_kept_out(
    bench: SeamBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorway, "MAX_SOCKET_PATH_BYTES", 0)
    async with bench.served(tmp_path) as screens:
        file = tmp_path / PORT_NAME
        assert sys.platform == "win32" or stat.S_IMODE(file.stat().st_mode) == 0o600
        found = msgspec.json.decode(file.read_bytes(), type=Doorway)
        file.write_bytes(msgspec.json.encode(Doorway(found.port, "00" * 32)))
        with pytest.raises(NoBridge):
            await go_through(tmp_path)
        assert screens.screens == 0


async def test_five_thousand_jobs_are_there_in_half_a_second(bench: SeamBench, folder: Path) -> None:
    for number in range(5000):
        job = f"job{number}"
        request = request_for(f"/music/{number}.wav")
        bench.store.append(Submitted(job=job, name=str(number), request=request, unix_seconds=number))
        bench.store.append(Ended(job=job, outcome="done", unix_seconds=number))
    async with bench.served(folder):
        start = time.perf_counter()
        async with attached(folder) as screen:
            took_seconds = time.perf_counter() - start
            assert screen.bridge.jobs() == bench.local.jobs()
    assert took_seconds < 2.0  # half a second on a machine that does nothing else
