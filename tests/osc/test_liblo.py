"""liblo's own programs as clients: the examples of docs/osc.md, run unchanged."""

from __future__ import annotations

import asyncio
import shlex
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.events import Ended, Progressed
from bridge.osc.client import OscClient
from tests.support.loopback import free_port
from tests.support.requests import request_for
from tests.support.studio import Studio

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(
        shutil.which("oscsend") is None or shutil.which("oscdump") is None,
        reason="oscsend and oscdump are not installed (liblo-tools)",
    ),
]

PAGE = Path(__file__).parents[2] / "docs" / "osc.md"


async def oscsend(studio: Studio, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec("oscsend", "localhost", str(studio.server.port), *arguments)
    assert await process.wait() == 0


@pytest.fixture
async def dump() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """The output of oscdump, and its port."""
    port = free_port()
    process = await asyncio.create_subprocess_exec("oscdump", "-L", str(port), stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    yield process.stdout, port
    process.terminate()
    await process.wait()


async def next_line(lines: asyncio.StreamReader) -> str:
    """The next line, without its time."""
    line = await asyncio.wait_for(lines.readline(), 10)
    return line.decode().split(maxsplit=1)[1].strip()


async def hello_until_answered(studio: Studio, lines: asyncio.StreamReader, port: int) -> str:
    """Sends hello until oscdump has started and prints the answer."""
    while True:
        await oscsend(studio, "/sab/hello", "sii", "shell", "1", str(port))
        try:
            return (await asyncio.wait_for(lines.readline(), 0.5)).decode().split(maxsplit=1)[1].strip()
        except asyncio.TimeoutError:
            continue


async def test_a_job_is_followed_from_the_shell(
    studio: Studio, client: OscClient, dump: tuple[asyncio.StreamReader, int]
) -> None:
    await client.ask("/sab/ping")  # from now on the server knows this client
    lines, port = dump
    assert (await hello_until_answered(studio, lines, port)).startswith("/sab/hello.reply issi 1 ")
    await oscsend(studio, "/sab/subscribe", "ii", "1", "3600")
    assert (await next_line(lines)).startswith('/sab/done si "/sab/subscribe"')
    await oscsend(studio, "/sab/submit", "ssfsTsi", "/a b.wav", "tempo", "120", "play", "depth", "24")
    await client.ask("/sab/ping")  # when this is answered, the server has read what oscsend sent
    request = request_for("/a b.wav", tempo_bpm=120.0, play=True, depth="24", format="flac")
    assert studio.bridge.asked == [("submit", request)]
    assert await next_line(lines) == '/sab/accepted ssi "" "job1" 0'
    studio.bridge.publish(Progressed(job="job1", stage="loading", fraction=0.25))
    assert await next_line(lines) == '/sab/progress ssff "job1" "loading" 0.250000 -1.000000'
    studio.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1))
    assert await next_line(lines) == '/sab/finished ssis "job1" "done" 0 ""'


async def test_the_examples_in_the_docs_are_accepted(studio: Studio, client: OscClient) -> None:
    examples = [shlex.split(line) for line in PAGE.read_text("utf-8").splitlines() if line.startswith("    oscsend ")]
    submissions = [arguments for _, _, _, *arguments in examples if arguments[0] == "/sab/submit"]
    for arguments in submissions:
        await oscsend(studio, *arguments)
    await client.ask("/sab/ping")
    assert [job.request.source for job in studio.bridge.jobs()] == ["/home/me/loop.wav"] * 2
