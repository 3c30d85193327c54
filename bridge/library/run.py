"""Computes the songs of a plan, a few at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from bridge.errors import BridgeError, EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes, Produced, Progressed, Started
from bridge.library.conditions import Conditions
from bridge.library.failures import Failures
from bridge.library.forecast import Forecast, Progress
from bridge.library.song import FailedSong, Song
from bridge.library.survey import Plan
from bridge.model import Failure
from bridge.protocols import Clock
from bridge.protocols.computing import JobComputer
from bridge.request import JobRequest, OutputPlace
from bridge.system.ids import new_id
from bridge.system.off_loop import off_loop


class RunListener(Protocol):
    """Who is told of a run; what it raises ends the run."""

    def song_done(self, song: Song, folder: str, seconds: float) -> None:
        """A song is done; its results lie in `folder`, and it took that long."""
        ...

    def song_failed(self, failed: FailedSong) -> None: ...

    def waiting(self, problem: str) -> None:
        """Nothing computes now, and why, a sentence; empty: it goes on."""
        ...

    def progress(self, progress: Progress) -> None:
        """Comes every `tick_seconds`, and at the end."""
        ...


class LibraryRun:
    """One run over a plan. After it, `done`, `failed` and `problem` say what has become of it."""

    def __init__(
        self,
        plan: Plan,
        computer: JobComputer,
        failures: Failures,
        conditions: Conditions,
        forecast: Forecast,
        report: RunListener,
        clock: Clock,
        *,
        settings: JobRequest,
        tick_seconds: float,
        on_event: Callable[[JobEvent | LiveNotes], None] = lambda _: None,
    ) -> None:
        """
        Args:
            settings: what is asked for of each song.
            tick_seconds: how often the progress is told.
            on_event: gets every event of every job.
        """
        self.done = 0
        self.failed = 0
        self.problem: BridgeError | None = None
        """What has ended the run before its last song; those that were left are no failures."""
        self._plan = plan
        self._computer = computer
        self._failures = failures
        self._conditions = conditions
        self._forecast = forecast
        self._report = report
        self._clock = clock
        self._settings = settings
        self._tick_seconds = tick_seconds
        self._on_event = on_event
        self._songs: Iterator[Song] = iter(())
        self._running: set[_Running] = set()
        self._changed = asyncio.Event()
        self._is_stopping = False
        self._told_problem = ""

    async def run(self, interrupted: asyncio.Event) -> None:
        """Returns when every song is over, or when something ends the run.

        After an interruption, the songs in work are abandoned without half-written files.

        Raises:
            NotWritable, OutOfSpace: the failures cannot be written.
        """
        self._songs = self._plan.songs()
        unwatch = self._computer.watch(self._changed.set)
        stopping = asyncio.create_task(self._stop_when(interrupted))
        tick = asyncio.create_task(self._tick())
        try:
            self._tell_of_waiting()
            self._fill()
            while self._running and not interrupted.is_set():
                await self._changed.wait()
                self._changed.clear()
                self._tell_of_waiting()
                for running in [running for running in self._running if running.task.done()]:
                    self._running.remove(running)
                    await self._take(running)
                if tick.done():
                    tick.result()  # what is told cannot be written
                self._fill()
        finally:
            unwatch()
            tick.cancel()
            stopping.cancel()
            await self._abandon()
        self._report.progress(self._progress())

    def _fill(self) -> None:
        """Begins as many songs as can be computed at once.

        One at least: a farm without machines waits for some, and gives up after a while.
        """
        while not self._is_stopping and len(self._running) < max(1, self._computer.slots):
            song = next(self._songs, None)
            if song is None:
                return
            running = _Running(song, self._clock.monotonic_seconds(), self._forecast.length(song), self._on_event)
            request = msgspec.structs.replace(self._settings, source=song.source, place=OutputPlace(folder=song.folder))
            running.task = asyncio.create_task(self._computer.compute(new_id(), request, running.on_event))
            running.task.add_done_callback(lambda _: self._changed.set())
            self._running.add(running)

    def _tell_of_waiting(self) -> None:
        problem = self._computer.problem
        if problem != self._told_problem:
            self._told_problem = problem
            self._report.waiting(problem)

    async def _take(self, running: _Running) -> None:
        """A song is over, in whatever way."""
        try:
            end = running.task.result()
        except EngineFailed as error:  # nothing computes any more
            self._stop(error)
            return
        if end.outcome == "done":
            self.done += 1
            self._conditions.succeeded()
            self._failures.forget(running.song)
            self._forecast.end(running.song, running.audio_seconds)
            took = self._clock.monotonic_seconds() - running.began_seconds
            self._report.song_done(running.song, running.folder, took)
        elif end.failure is not None:
            await self._fail(running.song, end.failure)

    async def _fail(self, song: Song, failure: Failure) -> None:
        condition = await self._conditions.stops_all(failure)
        if condition is not None:
            self._stop(condition)
            return
        self.failed += 1
        self._forecast.end(song, 0.0)
        failed = FailedSong(song=song, code=failure.code, message=failure.message)
        await off_loop(lambda: self._failures.add(failed))
        self._report.song_failed(failed)
        condition = self._conditions.failed(failure)
        if condition is not None:
            self._stop(condition)

    def _stop(self, problem: BridgeError) -> None:
        """Begins no further song; those in work go on."""
        self.problem = self.problem or problem
        self._is_stopping = True

    async def _abandon(self) -> None:
        tasks = [running.task for running in self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._running.clear()

    async def _stop_when(self, interrupted: asyncio.Event) -> None:
        await interrupted.wait()
        self._changed.set()

    async def _tick(self) -> None:
        try:
            while True:
                await asyncio.sleep(self._tick_seconds)
                self._report.progress(self._progress())
        finally:
            self._changed.set()

    def _progress(self) -> Progress:
        counts = Progress(songs=self._plan.counts.to_do, done=self.done, failed=self.failed, running=len(self._running))
        behind = sum(running.behind_seconds for running in self._running)
        return self._forecast.progress(self._clock.monotonic_seconds(), counts, behind)


class _Running:
    """A song in work."""

    task: asyncio.Task[Ended]

    def __init__(
        self, song: Song, began_seconds: float, length: float, on_event: Callable[[JobEvent | LiveNotes], None]
    ) -> None:
        self.song = song
        self.began_seconds = began_seconds
        self.folder = song.folder
        self.audio_seconds = length
        """How long the song is: an estimate until its first stem is there."""
        self._fraction = 0.0
        self._on_event = on_event

    @property
    def behind_seconds(self) -> float:
        """How much of the song is done, in seconds of its sound."""
        return self._fraction * self.audio_seconds

    def on_event(self, event: JobEvent | LiveNotes) -> None:
        self._on_event(event)
        match event:
            case Started(output_dir=folder) if folder:
                self.folder = folder
            case Progressed(fraction=fraction):
                self._fraction = fraction
            case Produced(result=result):
                self.audio_seconds = result.seconds
