"""A library from the first look to the last song: what `sab library` does, without its words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from bridge.events import JobEvent, LiveNotes
from bridge.library.conditions import Conditions
from bridge.library.done import DoneSongs
from bridge.library.failures import Failures
from bridge.library.forecast import Forecast
from bridge.library.named import Named, RefuseSong, check_out, read_named, songs_of
from bridge.library.place import LibraryPlace, hold
from bridge.library.run import LibraryRun, RunListener
from bridge.library.survey import Counts, Plan, survey
from bridge.library.walk import Walk
from bridge.protocols import Clock
from bridge.protocols.computing import JobComputer
from bridge.protocols.looking import FileLook
from bridge.request import JobRequest
from bridge.system.off_loop import off_loop
from bridge.value import Value

T = TypeVar("T")


class LibraryListener(RunListener, Protocol):
    """Who is told of a library; what it raises ends the run."""

    def surveying(self, counts: Counts) -> None:
        """Comes every `tick_seconds` while the library is looked at."""
        ...

    def surveyed(self, counts: Counts) -> None:
        """The look is over; what is to do follows."""
        ...


class LibraryEnd(Value, frozen=True, kw_only=True):
    """What has become of a library."""

    counts: Counts
    """As the survey has found them."""
    done: int = 0
    """Songs of this run, likewise `failed`."""
    failed: int = 0
    problem: tuple[str, str] | None = None
    """Code and message of what has ended the run early; None: nothing has."""
    is_interrupted: bool = False
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Songs that are still to do."""
        return self.counts.to_do - self.done - self.failed

    @property
    def all_failed(self) -> int:
        """Songs that have failed, now or before, and what cannot be read."""
        return self.counts.failed + self.counts.unreadable + self.failed


class Library:
    """What one command line asks for."""

    def __init__(
        self,
        written: Sequence[str],
        out: Path,
        settings: JobRequest,
        *,
        roots: Sequence[Path] = (),
        again: bool = False,
        tick_seconds: float = 1.0,
    ) -> None:
        """
        Args:
            written: folders, files, and lists of either as `@list.txt`.
            settings: what is asked for of each song.
            roots: the folders that songs and results must lie in; empty: anywhere.
            again: whether songs that have failed before are done again.
            tick_seconds: how often `run` tells where it stands.
        """
        self._written = written
        self._out = out
        self._settings = settings
        self._roots = roots
        self._again = again
        self._tick_seconds = tick_seconds
        self._done = DoneSongs(settings)

    async def run(
        self,
        open_computer: Callable[[LibraryPlace], Awaitable[JobComputer]],
        look: Callable[[Sequence[str]], Awaitable[Sequence[FileLook]]],
        report: LibraryListener,
        interrupted: asyncio.Event,
        clock: Clock,
        on_event: Callable[[JobEvent | LiveNotes], None] = lambda _: None,
    ) -> LibraryEnd:
        """Does what is to do; may be ended at any moment, in whatever way, and goes on when it is called again.

        Args:
            look: tells how long some files are, before the first song is done.

        Raises:
            BridgeError: nothing can be begun, or the failures cannot be written.
        """
        began = clock.monotonic_seconds()
        named = await off_loop(lambda: read_named(self._written, self._roots))
        async with AsyncExitStack() as parts:
            await off_loop(lambda: check_out(named, self._out))
            place = await off_loop(lambda: hold(self._out))
            parts.callback(place.close)
            failures = await off_loop(lambda: Failures(self._out, self._done.settings))
            parts.push_async_callback(off_loop, failures.close)
            plan = Plan(place.own)
            parts.callback(plan.close)
            await self._survey(named, plan, failures, report, interrupted)
            end = LibraryEnd(counts=plan.counts, is_interrupted=interrupted.is_set())
            if not end.is_interrupted:
                report.surveyed(plan.counts)
            if not end.is_interrupted and end.left:
                conditions = await off_loop(lambda: Conditions((*named.places, self._out)))
                forecast = Forecast(plan.bytes_of, clock.monotonic_seconds())

                async def prepare() -> JobComputer:
                    await self._learn(plan, forecast, look)
                    return await open_computer(place)

                computer = await _unless(interrupted, prepare())
                if computer is None:
                    return msgspec.structs.replace(end, is_interrupted=True, seconds=clock.monotonic_seconds() - began)
                parts.push_async_callback(computer.close)
                run = LibraryRun(
                    plan,
                    computer,
                    failures,
                    conditions,
                    forecast,
                    report,
                    clock,
                    settings=self._settings,
                    tick_seconds=self._tick_seconds,
                    on_event=on_event,
                )
                await run.run(interrupted)
                problem = None if run.problem is None else (run.problem.code, str(run.problem))
                end = msgspec.structs.replace(
                    end, done=run.done, failed=run.failed, problem=problem, is_interrupted=interrupted.is_set()
                )
        return msgspec.structs.replace(end, seconds=clock.monotonic_seconds() - began)

    async def _survey(
        self, named: Named, plan: Plan, failures: Failures, report: LibraryListener, interrupted: asyncio.Event
    ) -> None:
        """Looks at the library on a thread; tells from time to time how far it is."""
        is_ending = threading.Event()
        refuse = RefuseSong([])

        def go_on() -> bool:
            return not is_ending.is_set()

        def look() -> None:
            walk = Walk(self._out, named.folders, refuse.unreadable, go_on)
            survey(
                songs_of(named, walk, refuse),
                refuse.take,
                plan,
                self._done,
                failures,
                again=self._again,
                go_on=go_on,
            )

        looking = asyncio.create_task(off_loop(look))
        stopping = asyncio.create_task(interrupted.wait())
        try:
            while not looking.done() and not stopping.done():
                await asyncio.wait({looking, stopping}, timeout=self._tick_seconds, return_when=asyncio.FIRST_COMPLETED)
                if not looking.done():
                    report.surveying(plan.counts)
        finally:
            is_ending.set()
            stopping.cancel()
            await asyncio.wait({looking})  # it writes failures, which nobody may close before
        looking.result()

    async def _learn(
        self,
        plan: Plan,
        forecast: Forecast,
        look: Callable[[Sequence[str]], Awaitable[Sequence[FileLook]]],
    ) -> None:
        """Learns from a few files of each kind how long they are."""
        samples = [song for songs in plan.samples.values() for song in songs]
        region = self._settings.region
        for song, seen in zip(samples, await look([song.source for song in samples]), strict=True):
            end = seen.seconds if region.end_seconds is None else min(seen.seconds, region.end_seconds)
            if end > region.start_seconds:
                forecast.learn(song, end - region.start_seconds)


async def _unless(interrupted: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What `work` returns; None: it was cancelled, because the user wants to end. Raises what the work raises."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(interrupted.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        working.cancel()
        await asyncio.wait({working})
    return None if working.cancelled() else working.result()  # which may have come just before it was cancelled
