"""A real OSC server on a loopback port, over a fake bridge, and helpers to receive its messages."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from msgspec.structs import replace

from bridge.events import Noticed
from bridge.model import Job, Result, Warning
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from bridge.osc.codec import decode
from bridge.osc.server import OscServer
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge, FakeClock

#: The jobs of the fixture `busy`: one running and one done.
RUNNING = Job(
    id="j7",
    name="loop",
    request=JobRequest(source="/loop.wav"),
    submitted_unix=0,
    state="running",
    stage="separating",
    fraction=0.5,
    output_dir="/out",
    results=(Result(kind="stem", name="bass", folder="/out", file="b.wav", seconds=2, sample_rate_hz=48_000),),
    warnings=(Warning(code="short", message="Short."),),
)


OVER = replace(RUNNING, id="j6", state="done", fraction=1.0)


#: The message about the running job's file.
RESULT = Message("/sab/result", ("j7", "stem", "bass", "/out/b.wav", 2.0, 48_000))


@dataclass
class Studio:
    """One server with its bridge and clock."""

    server: OscServer
    bridge: FakeBridge
    clock: FakeClock
    stack: AsyncExitStack
    noticed: list[Noticed] = field(default_factory=list)
    shown: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    """The folders that were shown, each with the files that may be marked."""

    @property
    def faults(self) -> list[Noticed]:
        """What the log was told of the server's own faults, not of its clients'."""
        return [line for line in self.noticed if line.level == "error"]

    async def client(self) -> OscClient:
        return await self.stack.enter_async_context(open_client(port=self.server.port))


async def next_at(receiver: socket.socket) -> Message:
    datagram = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(receiver, 4096), 5)
    (message,) = decode(datagram)
    assert isinstance(message, Message)
    return message


async def pushed(client: OscClient) -> list[Message]:
    """The pushes that `client` has received."""
    await client.exchange("/sab/ping", "fence")  # loopback keeps the order: everything sent before has arrived
    return client.received()


def accepted(req: str, job: str, position: int) -> Message:
    return Message("/sab/accepted", (req, job, position))
