"""Finds a running bridge, and connects to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bridge.errors import BridgeError, InternalError
from bridge.hearing.client import HearingClient
from bridge.options.request import request_for_clip
from bridge.pipe.doorway import NoBridge, go_through, hang_up
from bridge.pipe.messages import Facts, Hello, HelloReply, check_version, framed, read_raw, read_reply
from bridge.pipe.remote import BridgeEnded, RemoteBridge
from bridge.processes.frames import HEADER, payload_length
from bridge.request import JobRequest
from bridge.system.waiting import within

#: A bridge that does not answer for so long hangs.
ANSWER_SECONDS = 10.0
SILENT_ADVICE = "End its process (`sab serve` or `sab`), and start it again."


class BridgeSilent(BridgeError):  # noqa: N818 - named as in bridge.errors
    """A bridge runs, and does not answer in time."""

    code = "busy"


@dataclass(frozen=True)
class AttachedBridge:
    """A bridge in another process, as a screen's host: see `tui.host.ScreenHost`."""

    bridge: RemoteBridge
    facts: Facts
    hearing: HearingClient
    """The output of the machine that this program runs on."""
    bell: str = "off"
    is_attached: bool = True

    @property
    def address(self) -> str:
        return self.facts.address

    @property
    def default_sync(self) -> str:
        return self.facts.defaults.play.sync

    @property
    def defaults(self) -> JobRequest:
        return self.facts.defaults

    async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
        """As `app.RunningBridge.request`; a relative path starts from this program's folder."""
        return await request_for_clip(source, options or {}, self.facts.defaults)

    async def until_ended(self) -> None:
        """Never returns: the bridge has gone. Raises BridgeEnded, and other errors if it was lost."""
        await self.bridge.has_gone.wait()
        raise self.bridge.end or BridgeEnded("The bridge has gone.")


@asynccontextmanager
async def attached(
    folder: Path, *, is_screen: bool = True, hear_on: str = "auto", bell: str = "off"
) -> AsyncIterator[AttachedBridge]:
    """The bridge whose own folder this is, for as long as the block runs.

    Args:
        is_screen: whether its jobs and events are told; without, it can only be asked.
        hear_on: the setting of that name, for this machine's own output.
        bell: the setting of that name, for this program's terminal.

    Raises:
        NoBridge: none runs there.
        BridgeSilent: it does not answer in time.
        NotAllowed: what answers is not of this account.
        ProtocolMismatch: it is of another version.
        TooManyClients: it has as many screens as it may have.
    """
    reader, writer = await go_through(folder)
    reading: asyncio.Task[None] | None = None
    hearing = HearingClient(hear_on)
    try:
        writer.write(framed(Hello(is_screen=is_screen)))
        facts = await _facts(reader, folder)
        bridge = RemoteBridge(facts, writer.write)
        reading = asyncio.create_task(_read_all(reader, bridge), name="read from the bridge")
        if is_screen:
            await _until_ready(bridge)
        if bridge.end is not None:
            raise bridge.end
        yield AttachedBridge(bridge, facts, hearing, bell)
    finally:
        await hearing.close()
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        await hang_up(writer)


async def facts_of(folder: Path) -> Facts | None:
    """What the bridge of this folder says of itself; None if none runs. Raises as `attached`."""
    try:
        async with attached(folder, is_screen=False) as found:
            return found.facts
    except NoBridge:
        return None


async def _facts(reader: asyncio.StreamReader, folder: Path) -> Facts:
    try:
        greeting = read_reply(await within(_read(reader), ANSWER_SECONDS))
        if not isinstance(greeting, HelloReply):
            raise NoBridge(f"What answers in {folder} is no bridge.")
        check_version(greeting)
        return read_raw(greeting.facts, Facts)  # type: ignore[no-any-return]
    except asyncio.TimeoutError as error:
        raise BridgeSilent("The bridge that runs does not answer.", advice=SILENT_ADVICE) from error
    except (asyncio.IncompleteReadError, OSError, ValueError) as error:  # MsgspecError is a ValueError
        raise NoBridge(f"What answers in {folder} is no bridge, or it ends just now.") from error


async def _until_ready(bridge: RemoteBridge) -> None:
    """Raises BridgeSilent."""
    try:
        await within(bridge.is_ready.wait(), ANSWER_SECONDS)
    except asyncio.TimeoutError as error:
        raise BridgeSilent("The bridge that runs does not answer.", advice=SILENT_ADVICE) from error


async def _read_all(reader: asyncio.StreamReader, bridge: RemoteBridge) -> None:
    """Passes every message on until the bridge has gone, and tells the reason."""
    error: BridgeError = BridgeEnded(
        "The bridge has ended without a word.", advice="`sab log` shows the details. Its jobs are kept."
    )
    try:
        while True:
            bridge.take(read_reply(await _read(reader)))
    except (asyncio.IncompleteReadError, OSError):
        pass
    except (msgspec.MsgspecError, ValueError) as wrong:
        error = InternalError(f"The bridge said what no bridge says ({wrong}).")
    bridge.lose(error)


async def _read(reader: asyncio.StreamReader) -> bytes:
    while not (size := payload_length(await reader.readexactly(HEADER.size))):
        continue  # a heartbeat
    return await reader.readexactly(size)
