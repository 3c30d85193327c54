"""Pure Data as a client: the patch of docs/examples, opened unchanged."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.events import Ended, Progressed
from tests.support.requests import request_for
from tests.support.studio import Studio

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("pd") is None, reason="Pure Data is not installed (puredata-core)"),
]

PATCH = Path(__file__).parents[2] / "docs" / "examples" / "bridge.pd"


@asynccontextmanager
async def opened(*messages: str) -> AsyncIterator[asyncio.StreamReader]:
    """Opens the patch in Pd, sends these messages to its receivers, and yields what Pd prints."""
    sent = [word for message in messages for word in ("-send", message)]
    process = await asyncio.create_subprocess_exec(
        "pd", "-nogui", "-noaudio", "-nomidi", "-nrt", "-stderr", "-open", str(PATCH), *sent,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        yield process.stderr
    finally:
        process.kill()
        await process.wait()


async def printed(lines: asyncio.StreamReader, start: str) -> str:
    """The next line of the patch's `print` that starts with `start`."""
    while True:
        line = (await asyncio.wait_for(lines.readline(), 20)).decode()
        assert line, "Pd has ended"
        if line.startswith(f"bridge: {start}"):
            return line.removeprefix("bridge: ").strip()


async def test_a_patch_gives_the_bridge_a_clip_and_follows_it(studio: Studio) -> None:
    connect = f"sab-connect list 127.0.0.1 {studio.server.port}"
    async with opened(connect, "sab-hello bang", r"sab-clip symbol /a\ b.wav") as lines:
        assert (await printed(lines, "sab hello.reply")).startswith("sab hello.reply 1 ")
        assert (await printed(lines, "sab accepted")).endswith("job1 0")
        request = request_for("/a b.wav", tempo_bpm=120.0, format="flac")  # Pd has no integers
        assert studio.bridge.asked == [("submit", request)]
        studio.bridge.publish(Progressed(job="job1", stage="loading", fraction=0.25))
        assert await printed(lines, "sab progress") == "sab progress job1 loading 0.25 -1"
        studio.bridge.publish(Ended(job="job1", outcome="done", unix_seconds=1))
        assert await printed(lines, "sab finished") == "sab finished job1 done 0"
