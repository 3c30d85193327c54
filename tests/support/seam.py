"""A real `LocalBridge` without child processes, and screens that are attached to it, for the tests of the seam."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.connections.board import Board
from bridge.inspector.admission import Admission
from bridge.inspector.in_process import InProcessInspector
from bridge.local import LocalBridge
from bridge.midi.client import MidiPlayer
from bridge.model import MidiStatus
from bridge.pipe.client import AttachedBridge, attached
from bridge.pipe.server import ScreenServer, serve_screens
from bridge.protocols import Bridge
from bridge.reader.client import ReaderClient
from bridge.scheduler import Scheduler
from bridge.store.memory import MemoryStore
from tests.support.fakes import FakeClock, RecordingRunner
from tests.support.requests import request_for


class RecordingPlayer:
    """A MIDI player that plays nothing."""

    status = MidiStatus(backend="jack")

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    async def play(
        self,
        job: str,
        stems: Mapping[str, Path],
        offsets: Callable[[], Mapping[str, float]],
        *,
        sync: str,
        beat: float | None,
    ) -> None:
        del offsets, beat
        self.asked.append(("play", job, tuple(stems), sync))

    def stop(self, job: str | None = None) -> None:
        self.asked.append(("stop", job))

    def panic(self) -> None:
        self.asked.append(("panic",))


@dataclass
class SeamBench:
    """A bridge whose runner and player only record what they are asked."""

    bus: EventBus = field(default_factory=EventBus)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: FakeClock = field(default_factory=FakeClock)
    runner: RecordingRunner = field(default_factory=RecordingRunner)
    player: RecordingPlayer = field(default_factory=RecordingPlayer)
    quit_asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.store, self.clock, self.bus.publish, queue_limit=3)
        self.scheduler.run(self.runner)
        admission = Admission(InProcessInspector((), Path()), self.scheduler)
        player = cast("MidiPlayer", self.player)
        self.board = Board(self.clock)
        reader = ReaderClient(Settings(), self.scheduler.job)
        self.local = LocalBridge(
            Settings(), self.bus, self.scheduler, admission, player, reader, self.clock, self.board
        )
        self.scheduler.on_runner_free()

    @asynccontextmanager
    async def served(self, folder: Path, bridge: Bridge | None = None) -> AsyncIterator[ScreenServer]:
        """Lets screens in through this folder."""
        server = ScreenServer(
            bridge or self.local,
            address="osc.udp://127.0.0.1:9720",
            http_address="",
            defaults=request_for("", engine="draft", sync="jack"),
            on_quit=self.quit_asked.set,
        )

        def fail(reason: str) -> None:
            raise AssertionError(reason)

        async with serve_screens(server, folder, fail):
            yield server

    @asynccontextmanager
    async def seen_as(self, kind: str, folder: Path) -> AsyncIterator[Bridge]:
        """The bridge itself (`local`), or as an attached screen sees it (`remote`)."""
        async with AsyncExitStack() as parts:
            if kind == "local":
                yield self.local
            else:
                await parts.enter_async_context(self.served(folder))
                screen: AttachedBridge = await parts.enter_async_context(attached(folder))
                yield screen.bridge


async def until(is_so: Callable[[], bool], seconds: float = 10.0) -> None:
    """Returns as soon as something is so; it may come from another task or process."""

    async def wait() -> None:
        while not is_so():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.001)

    await asyncio.wait_for(wait(), seconds)
