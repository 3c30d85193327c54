"""Hostile requests, as bytes: none holds the server up, changes or leaves anything, or is logged as our own error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.osc.http import connections
from bridge.osc.http.connections import MAX_CONNECTIONS, MAX_GRANTED, HttpConnection, LimitedConnections
from tests.support.fakes import FakeBridge
from tests.support.http_site import ALLOWED, HttpResponse, HttpSite, http_site, response_in

HEAD = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\n" + ALLOWED
CLIP = HEAD + b"Content-Type: audio/wav\r\n"
JSON = b'{"path": "/a.wav"}'
DOCUMENT = HEAD + b"Content-Type: application/json\r\n"


@pytest.fixture
async def site(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[HttpSite]:
    bridge = FakeBridge()
    async with http_site(tmp_path, bridge, max_bytes=100_000) as running:
        yield running
        assert (await running.get("/jobs")).status == 200  # it serves as ever
    assert bridge.asked == []
    assert [path for path in running.uploads.folder.rglob("*") if path.is_file()] == []
    assert [one.getMessage() for one in caplog.get_records("call") if one.levelno >= logging.ERROR] == []


async def exchange(site: HttpSite, *said: bytes) -> bytes:
    """All that comes back, until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    received = b""
    try:
        for part in said:
            writer.write(part)
            with suppress(ConnectionError):
                await writer.drain()
        while block := await asyncio.wait_for(reader.read(65_536), 20):
            received += block
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return received


async def refused(site: HttpSite, *said: bytes) -> HttpResponse:
    answer = response_in(await exchange(site, *said))
    assert answer.json["code"] and answer.json["message"]
    assert answer.headers["Server"] == "source-audio-bridge"
    return answer


@pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n", b"Expect: something\r\n"])
@pytest.mark.parametrize("kind", [b"audio/wav", b"application/json", b"multipart/form-data; boundary=x"])
async def test_ten_gigabytes_are_refused_before_they_come(site: HttpSite, kind: bytes, more: bytes) -> None:
    head = HEAD + b"Content-Type: " + kind + b"\r\nContent-Length: 10000000000\r\n" + more + b"\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head)
    answer = await asyncio.wait_for(reader.readuntil(b"}"), 5)
    assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 417"))
    assert b"100 Continue" not in answer
    writer.close()


async def test_who_has_no_token_is_refused_before_the_body_comes(site: HttpSite) -> None:
    head = CLIP.replace(ALLOWED, b"") + b"Content-Length: 5000\r\nExpect: 100-continue\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(head)
    assert (await asyncio.wait_for(reader.readuntil(b"}"), 5)).startswith(b"HTTP/1.1 401")
    writer.close()


async def test_who_waits_to_be_asked_for_a_body_is_asked(tmp_path: Path) -> None:
    async with http_site(tmp_path, FakeBridge()) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(CLIP + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"RIFF")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 201")
        writer.close()


@pytest.mark.parametrize(
    ("said", "statuses"),
    [
        (DOCUMENT.replace(b"localhost", b"evil.example") + b"Content-Length: 18\r\n\r\n" + JSON, (403,)),
        (DOCUMENT.replace(b"Host: localhost\r\n", b"") + b"Content-Length: 18\r\n\r\n" + JSON, (400, 403)),
        (DOCUMENT + b"Host: evil.example\r\nContent-Length: 18\r\n\r\n" + JSON, (400, 403)),
        (DOCUMENT.replace(b"POST /jobs", b"POST http://evil.example/jobs") + b"\r\n", (403, 400)),
        (DOCUMENT + b"X: " + b"x" * 10_000 + b"\r\n\r\n", (400,)),
        (DOCUMENT + b"".join(b"X%d: 1\r\n" % number for number in range(500)) + b"\r\n", (400,)),
        (DOCUMENT + b"X: a\0b\r\n\r\n", (400,)),
        (DOCUMENT + b" folded\r\n\r\n", (400,)),
        (DOCUMENT + b"Content-Length: 18\r\nContent-Length: 5\r\n\r\n" + JSON, (400,)),
        (DOCUMENT + b"Content-Length: -1\r\n\r\n" + JSON, (400,)),
        (DOCUMENT + b"Content-Length: 99999999999999999999999999\r\n\r\n" + JSON, (400, 413)),
        (DOCUMENT + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + JSON, (400,)),
        (DOCUMENT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + JSON, (400,)),
        (DOCUMENT + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n" + JSON, (400,)),
        (DOCUMENT + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n", (400,)),
        (DOCUMENT + b"Transfer-Encoding: gzip\r\n\r\n" + JSON, (400, 415)),
        (CLIP + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nRIFF", (400,)),
        (CLIP + b"Content-Length: 0\r\n\r\n", (400,)),
        (b"GET /jobs HTTP/9.9\r\n\r\n", (400, 403)),
        (b"get /jobs HTTP/1.1\r\nHost: localhost\r\n\r\n", (400, 401, 405)),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n" + ALLOWED + b"\r\n", (400, 404, 405)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400,)),
        (b"GET /jobs\r\n\r\n", (400, 403)),
        (b"\r\n" * 50 + b"nonsense\r\n\r\n", (400,)),
    ],
    ids=range(25),
)  # fmt: skip
async def test_what_is_broken_or_meant_for_others_is_refused(
    site: HttpSite, said: bytes, statuses: tuple[int, ...]
) -> None:
    assert (await refused(site, said)).status in statuses


async def test_an_upgrade_is_not_followed(site: HttpSite) -> None:
    said = b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    answer = response_in(await exchange(site, said + ALLOWED + b"\r\n"))
    assert answer.status in (200, 400)


async def test_of_requests_in_a_row_only_the_first_is_answered(site: HttpSite) -> None:
    one = b"GET /jobs HTTP/1.1\r\nHost: localhost\r\n" + ALLOWED + b"\r\n"
    received = await exchange(site, one + DOCUMENT + b"Content-Length: 18\r\n\r\n" + JSON + one * 50)
    assert received.count(b"HTTP/1.1") == 1


async def test_a_body_without_an_end_is_refused_at_its_limit(site: HttpSite) -> None:
    received = await exchange(
        site, CLIP + b"Transfer-Encoding: chunked\r\n\r\n", *[b"4000\r\n" + bytes(0x4000) + b"\r\n"] * 10
    )
    assert received.startswith(b"HTTP/1.1 413")
    form = HEAD + b"Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n"
    begin = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n'
    first = b"%x\r\n" % len(begin) + begin + b"\r\n"
    received = await exchange(site, form + first, *[b"4000\r\n" + bytes(0x4000) + b"\r\n"] * 10)
    assert received.startswith(b"HTTP/1.1 413")


async def test_a_sender_that_goes_away_leaves_nothing(site: HttpSite) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(CLIP + b"Content-Length: 5000\r\n\r\nRIFF")
    await writer.drain()
    while not list(site.uploads.folder.rglob("*.*")) and not list(site.uploads.folder.rglob("clip")):
        await site.get("/jobs")
    writer.transport.abort()
    while [path for path in site.uploads.folder.rglob("*") if path.is_file()]:
        await site.get("/jobs")
    del reader


async def test_a_sender_that_stands_still_is_cut_off(site: HttpSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STILL_SECONDS", 0.2)
    assert await exchange(site, CLIP + b"Content-Length: 5000\r\n\r\nRIFF") == b""
    preamble = b"multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\nline\r\n"
    assert await exchange(site, HEAD + b"Content-Type: " + preamble) == b""


async def test_a_connection_stays_only_as_long_as_it_moves_fast_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = HttpConnection(asyncio.Protocol(), LimitedConnections(asyncio.Protocol))
    ends: list[float] = []
    monkeypatch.setattr(connection, "end_after", ends.append)
    loop = asyncio.get_running_loop()
    now = [loop.time()]
    monkeypatch.setattr(loop, "time", lambda: now[0])
    still, half_a_minute = connections.STILL_SECONDS, 30 * connections.SLOWEST_BYTES_PER_SECOND
    with connection.granted("upload"):
        connection.moved(half_a_minute)
        assert ends[-1] == still
        now[0] += 45
        connection.moved(1)
        assert ends[-1] == pytest.approx(still - 15, abs=0.01)
        now[0] += 16
        connection.moved(1)  # it has sent bytes, but no more than that
        assert ends[-1] < 0


async def test_a_hundred_uploads_take_no_more_than_their_places(site: HttpSite) -> None:
    head = CLIP + b"Content-Length: 5000\r\n\r\nRIFF"
    opened = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(100)]
    for _, writer in opened:
        writer.write(head)
    answers = [asyncio.ensure_future(reader.read(100)) for reader, _ in opened]
    waiting = set(answers)
    while len(waiting) > MAX_GRANTED["upload"]:
        done, waiting = await asyncio.wait(waiting, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        assert done
    ended = [one for one in answers if one.done() and one.exception() is None]
    assert {one.result()[:12] for one in ended} <= {b"HTTP/1.1 503", b""}
    assert sum(one.result() != b"" for one in ended) >= MAX_CONNECTIONS - MAX_GRANTED["upload"]
    for answer in waiting:
        answer.cancel()
    for _, writer in opened:
        writer.transport.abort()
    while [path for path in site.uploads.folder.rglob("*") if path.is_file()]:
        await site.get("/jobs")
