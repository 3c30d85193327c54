"""Events as they are published, for tests that wait for one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from bridge.events import Event, MidiEnded, MidiReady

DEADLINE_SECONDS = 20.0


class Events(list[Event]):
    """The published events, with methods that wait for some of them."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def publish(self, event: Event) -> None:
        self.append(event)
        self._news.set()

    async def until(self, wanted: Event, times: int = 1) -> None:
        await self._until(lambda: self.count(wanted) >= times, str(wanted))

    async def until_any(self, kind: type[Event], times: int = 1) -> list[Event]:
        """All events of a kind, once there are so many."""

        def found() -> list[Event]:
            return [event for event in self if isinstance(event, kind)]

        await self._until(lambda: len(found()) >= times, f"{times} {kind.__name__}")
        return found()

    async def until_ended(self, stem: str, outcome: str) -> None:
        def has_ended() -> bool:
            return any(isinstance(e, MidiEnded) and (e.stem, e.outcome) == (stem, outcome) for e in self)

        await self._until(has_ended, f"{outcome} {stem}")

    async def until_ready(self, backend: str) -> None:
        def is_ready() -> bool:
            return any(isinstance(e, MidiReady) and e.status.backend == backend for e in self)

        await self._until(is_ready, f"ports on {backend}")

    async def _until(self, holds: Callable[[], bool], wanted: str) -> None:
        async def arrives() -> None:
            while not holds():
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(arrives(), DEADLINE_SECONDS)
        except asyncio.TimeoutError:
            pytest.fail(f"no {wanted} among {self}")
