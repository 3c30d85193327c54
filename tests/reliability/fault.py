"""What a row of the table of faults is: a function that injects one, and the bench that it needs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.reliability.bench import Bench
from tests.reliability.case import Case
from tests.reliability.place import Place

Setting: TypeAlias = "contextlib.AbstractAsyncContextManager[Bench]"
MakeBench: TypeAlias = Callable[[Path], Setting]


@contextlib.asynccontextmanager
async def plain_bench(folder: Path) -> AsyncIterator[Bench]:
    """A bridge without MIDI, its cache off."""
    async with started(Bench(Place(folder))) as bench:
        yield bench


@contextlib.asynccontextmanager
async def started(bench: Bench) -> AsyncIterator[Bench]:
    """Makes the bench's folders and starts its bridge."""
    try:
        bench.place.make()
        await bench.start()
        yield bench
    finally:
        await bench.close()


@dataclass(frozen=True)
class Fault:
    """One row."""

    kind: str
    name: str
    """What is done, in a user's words."""
    inject: Callable[[Case], Awaitable[None]]
    share: int
    """How many of a thousand injections are of this row."""
    bench: MakeBench = plain_bench
    needs: Callable[[], str] = lambda: ""
    """What this machine lacks for it; empty if it lacks nothing."""
    quick: bool = False
    """Whether CI injects it, too."""
