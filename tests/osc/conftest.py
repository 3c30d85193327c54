"""A real server on a loopback port over a fake bridge, and its clients."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from bridge.events import Noticed
from bridge.model import MidiStatus
from bridge.osc.client import OscClient
from bridge.osc.server import serve_osc
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.requests import request_for
from tests.support.studio import OVER, RUNNING, Studio


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    bridge, clock, noticed = FakeBridge(), FakeClock(), list[Noticed]()
    shown = list[tuple[str, tuple[str, ...]]]()

    async def show_folder(folder: str, files: Sequence[str]) -> None:
        shown.append((folder, tuple(files)))

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            serve_osc(
                bridge,
                clock,
                port=0,
                defaults=request_for("", format="flac"),
                notice=noticed.append,
                show_folder=show_folder,
            )
        )
        yield Studio(server=server, bridge=bridge, clock=clock, stack=stack, noticed=noticed, shown=shown)


@pytest.fixture
async def client(studio: Studio) -> OscClient:
    return await studio.client()


@pytest.fixture
def busy(studio: Studio) -> Studio:
    studio.bridge.table = {"j6": OVER, "j7": RUNNING}
    studio.bridge.midi = MidiStatus(backend="alsa")
    return studio


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A second socket of a client, as Max's `udpreceive` is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        yield receiver
