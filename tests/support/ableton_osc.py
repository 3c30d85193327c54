"""A fake AbletonOSC over real UDP, which answers with the same types as the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc.addresses import Message
from bridge.osc.codec import decode
from tests.support.loopback import free_port

Value = str | float | bool


@dataclass
class FakeAbletonOsc(asyncio.DatagramProtocol):
    """A Live with one track and one scene selected, and at most one clip there.

    Like the real one, it answers to a fixed port of the sender's computer. An exception inside it is sent as
    `/live/error`; without `reports_errors`, as in older versions, it is not sent at all.
    """

    clip: Mapping[str, Value] | None
    selected: tuple[int, int] | None = (1, 4)
    """None: the main track, which has no slots."""
    tempo: float = 124.0
    track_name: str = "Keys"
    arrangement: tuple[str, ...] | None = ()
    """The names of the track's clips in the Arrangement; None: a version that does not tell."""
    reports_errors: bool = True
    lose: int = 0
    """The number of datagrams that are lost first."""
    port: int = 0
    answer_port: int = 0
    received: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.lose > 0:
            self.lose -= 1
            return
        for message in decode(data):
            assert isinstance(message, Message)
            self.received.append(message)
            try:
                self._send(message.address, self._answer(message), addr[0])
            except LookupError as error:
                if self.reports_errors:
                    self._send("/live/error", (f"{error}",), addr[0])

    def _answer(self, message: Message) -> tuple[Value, ...]:
        match message.address.split("/")[1:], message.arguments:
            case ["live", "view", "get", "selected_clip"], ():
                if self.selected is None:
                    raise LookupError("Live.Track.Track is not in list")
                return self.selected
            case ["live", "song", "get", "tempo"], ():
                return (self.tempo,)
            case ["live", "track", "get", "name"], (int(track),):
                return (track, self.track_name)
            case ["live", "track", "get", "arrangement_clips", "name"], (int(track),) if self.arrangement is not None:
                return (track, *self.arrangement)
            case ["live", "clip", "get", what], (int(track), int(scene)):
                if self.clip is None or (track, scene) != self.selected:
                    raise LookupError(f"'NoneType' object has no attribute '{what}'")
                return (track, scene, self.clip[what])
        raise LookupError(f"Unknown OSC address: {message.address}")

    def _send(self, address: str, arguments: tuple[Value, ...], host: str) -> None:
        builder = OscMessageBuilder(address)
        for argument in arguments:
            builder.add_arg(argument)
        assert self._transport is not None
        self._transport.sendto(builder.build().dgram, (host, self.answer_port))


@asynccontextmanager
async def running(live: FakeAbletonOsc) -> AsyncIterator[FakeAbletonOsc]:
    """Runs the fake on a free port; it answers to another free port."""
    live.answer_port = free_port()
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: live, local_addr=("127.0.0.1", live.port)
    )
    try:
        yield live
    finally:
        transport.close()
