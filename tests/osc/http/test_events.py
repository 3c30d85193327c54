"""Server-sent events: what a client gets, after it was cut off too, and when it does not read."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.events import (
    Analysed,
    Ended,
    Event,
    GroupEnded,
    MidiMoved,
    Noticed,
    Produced,
    Progressed,
    Restored,
    Submitted,
)
from bridge.model import Job, Music, Result
from bridge.osc.http.connections import MAX_GRANTED
from bridge.osc.http.jobs.events import KEPT_EVENTS
from tests.support.fakes import FakeBridge
from tests.support.http_site import ALLOWED, HttpSite, http_site
from tests.support.requests import request_for

JOB = Job(id="j1", name="a", request=request_for("/a.wav"), submitted_unix=1.0, state="running")
OTHER = replace(JOB, id="j2", name="b")
STEM = Result(kind="stem", name="bass", folder="/out", file="b.wav", seconds=2)


@dataclass
class Told:
    """One event as it came."""

    id: str
    event: str
    data: dict[str, object]


class Stream:
    """A connection to `/events`, after its head."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def block(self) -> bytes:
        """The next lines up to an empty one; empty: the stream is over."""
        lines = b""
        while not lines.endswith(b"\n\n"):
            size = (await asyncio.wait_for(self.reader.readline(), 10)).strip()
            count = int(size or b"0", 16)
            if not count:
                return lines
            self._rest = await self.reader.readexactly(count + 2)
            lines += self._rest[:-2]
        return lines

    async def events(self, count: int) -> list[Told]:
        found: list[Told] = []
        while len(found) < count:
            block = await self.block()
            assert block, "the stream is over"
            for lines in block.decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in lines.splitlines() if ": " in line)
                if "data" in fields:
                    found.append(Told(fields["id"], fields["event"], json.loads(fields["data"])))
        return found


@asynccontextmanager
async def following(site: HttpSite, query: str = "", last: str = "") -> AsyncIterator[Stream]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    more = f"Last-Event-ID: {last}\r\n".encode() if last else b""
    writer.write(f"GET /events{query} HTTP/1.1\r\nHost: localhost\r\n".encode() + ALLOWED + more + b"\r\n")
    head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode()
    assert head.startswith("HTTP/1.1 200")
    assert "Content-Type: text/event-stream" in head
    try:
        yield Stream(reader, writer)
    finally:
        writer.close()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[HttpSite]:
    async with http_site(tmp_path, FakeBridge(table={"j1": JOB, "j2": OTHER})) as running:
        yield running


def progress(job: str, fraction: float) -> Event:
    return Progressed(job=job, stage="separating", fraction=fraction)


async def test_the_jobs_come_first_then_what_happens_to_them(site: HttpSite) -> None:
    async with following(site) as stream:
        (first,) = await stream.events(1)
        assert (first.event, first.data["total"]) == ("jobs", 2)
        said: list[Event] = [
            Submitted(job="j3", name="c", request=request_for("/c.wav", tempo_bpm=90.0), unix_seconds=2.0),
            progress("j1", 0.5),
            Noticed(level="info", message="of no job"),
            Produced(job="j1", result=STEM),
            Analysed(job="j1", music=Music(tempo_bpm=90, tempo_source="given")),
            Ended(job="j1", outcome="done", unix_seconds=3.0),
            Restored(job="j1", unix_seconds=4.0, value=replace(JOB, results=(STEM,))),
            GroupEnded(group_id="g", name="takes", done=1, failed=0, cancelled=0),
            MidiMoved(job="j1", stem="bass", seconds=1.5),
        ]
        for event in said:
            site.bridge.publish(event)
        told = await stream.events(len(said) - 1)
    kinds = ["submitted", "progressed", "produced", "analysed", "ended", "restored", "group_ended", "midi_moved"]
    assert [one.event for one in told] == [one.data["type"] for one in told] == kinds
    assert told[0].data["request"]["tempo_bpm"] == 90.0  # type: ignore[index]
    assert told[2].data["result"]["path"] == "/out/b.wav"  # type: ignore[index]
    assert told[5].data["value"]["results"][0]["path"] == "/out/b.wav"  # type: ignore[index]
    numbers = [int(one.id.split("-")[1]) for one in told]
    assert numbers == list(range(numbers[0], numbers[0] + len(told)))


async def test_a_client_that_was_cut_off_gets_what_it_missed(site: HttpSite) -> None:
    async with following(site) as stream:
        await stream.events(1)
        site.bridge.publish(progress("j1", 0.1))
        (last,) = await stream.events(1)
    for fraction in (0.2, 0.3):
        site.bridge.publish(progress("j1", fraction))
        site.bridge.publish(progress("j2", fraction))
    async with following(site, last=last.id) as stream:
        site.bridge.publish(progress("j1", 0.4))
        assert [one.data["fraction"] for one in await stream.events(5)] == [0.2, 0.2, 0.3, 0.3, 0.4]
    async with following(site, "?job=j2", last=last.id) as stream:
        assert [one.data["fraction"] for one in await stream.events(2)] == [0.2, 0.3]


@pytest.mark.parametrize(
    "last", ["x", "0-1", "deadbeef-7", "-", "{run}-9999", "{run}--1", "{run}-" + "9" * 40, "{run}-0"]
)
async def test_a_number_that_says_nothing_gets_the_list(site: HttpSite, last: str) -> None:
    async with following(site) as stream:
        (first,) = await stream.events(1)
        run = first.id.split("-")[0]
        for _ in range(KEPT_EVENTS + 1):
            site.bridge.publish(progress("j2", 0.1))
    async with following(site, last=last.format(run=run)) as stream:
        assert (await stream.events(1))[0].event == "jobs"


async def test_the_events_of_one_job_end_with_it(site: HttpSite) -> None:
    async with following(site, "?job=j1") as stream:
        (first,) = await stream.events(1)
        assert [job["id"] for job in first.data["jobs"]] == ["j1"]  # type: ignore[attr-defined]
        site.bridge.publish(progress("j2", 0.5))
        site.bridge.publish(progress("j1", 0.5))
        site.bridge.table["j1"] = replace(JOB, state="done")
        site.bridge.publish(Ended(job="j1", outcome="done", unix_seconds=1.0))
        told = await stream.events(2)
        assert [one.event for one in told] == ["progressed", "ended"]
        assert await stream.block() == b""
    again = await site.get("/events?job=j1", more=f"Last-Event-ID: {told[-1].id}\r\n".encode())
    assert (again.status, again.body) == (204, b"")
    site.bridge.publish(MidiMoved(job="j1", stem="bass", seconds=1.5))  # its notes are played, now or in a year
    async with following(site, "?job=j1", told[-1].id) as stream:
        assert [one.event for one in await stream.events(1)] == ["midi_moved"]
        assert await stream.block() == b""
    async with following(site, "?job=j1") as stream:  # it has not heard of the end
        assert (await stream.events(1))[0].data["jobs"][0]["state"] == "done"  # type: ignore[index]
        assert await stream.block() == b""
    assert (await site.get("/events?job=none")).status == 404


async def test_a_silent_stream_has_a_heartbeat_and_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.osc.http.jobs.events.HEARTBEAT_SECONDS", 0.05)
    async with http_site(tmp_path, FakeBridge()) as site, following(site) as stream:
        await stream.events(1)
        assert [await stream.block() for _ in range(3)] == [b":\n\n"] * 3


async def test_a_reader_that_does_not_read_is_dropped_and_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.osc.http.jobs.events.MAX_WAITING", 20)
    bridge = FakeBridge(table={"j1": replace(JOB, results=(STEM,) * 300)})
    async with http_site(tmp_path, bridge) as site, following(site) as slow, following(site) as quick:
        await quick.events(1)
        value = bridge.table["j1"]
        for number in range(400):
            bridge.publish(Restored(job="j1", unix_seconds=float(number), value=value))
            (one,) = await quick.events(1)
            assert one.data["unix_seconds"] == number
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError, AssertionError)):
            await slow.events(401)


async def test_a_reader_that_leaves_is_no_error(site: HttpSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bridge.osc.http.routes")
    async with following(site) as stream:
        await stream.events(1)
    while not caplog.records:
        site.bridge.publish(progress("j1", 0.5))
        await site.get("/jobs")
    assert [(record.levelname, record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("INFO", "GET /events: the client has gone", None)
    ]


async def test_streams_are_limited_and_end_with_the_server(tmp_path: Path) -> None:
    async with http_site(tmp_path, FakeBridge()) as site:
        readers = []
        for _ in range(MAX_GRANTED["events"]):
            reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
            writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n" + ALLOWED + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            readers.append((reader, writer))
        refused = await site.get("/events")
        assert (refused.status, refused.json["code"]) == (503, "too_many_clients")
        assert str(refused.json["message"]).endswith("Ask again when one of them has ended.")
        assert (await site.get("/jobs")).status == 200
    for reader, writer in readers:
        await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert site.bridge.listeners == []


async def test_nothing_is_listened_to_before_somebody_asks(tmp_path: Path) -> None:
    bridge = FakeBridge()
    async with http_site(tmp_path, bridge) as site:
        await site.get("/jobs")
        assert bridge.listeners == []
        async with following(site) as stream:
            await stream.events(1)
            assert len(bridge.listeners) == 1
