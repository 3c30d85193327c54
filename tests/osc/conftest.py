"""A real server on a loopback port over a fake bridge, and clients that speak to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from bridge.events import Noticed
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.server import OscServer, serve_osc
from tests.fakes import FakeBridge, FakeClock


@dataclass
class Studio:
    """Everything around one server."""

    server: OscServer
    bridge: FakeBridge
    clock: FakeClock
    stack: AsyncExitStack
    noticed: list[Noticed] = field(default_factory=list)

    async def client(self) -> OscClient:
        return await self.stack.enter_async_context(open_client(port=self.server.port))


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    bridge, clock, noticed = FakeBridge(), FakeClock(), list[Noticed]()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            serve_osc(bridge, clock, port=0, engines=("draft",), defaults={"format": "flac"}, notice=noticed.append)
        )
        yield Studio(server=server, bridge=bridge, clock=clock, stack=stack, noticed=noticed)


@pytest.fixture
async def client(studio: Studio) -> OscClient:
    return await studio.client()


async def pushed(client: OscClient) -> list[Message]:
    """What has been pushed to `client` until now."""
    await client.exchange("/sab/ping", "fence")  # loopback keeps the order: what was sent before is here
    return client.received()
