"""A machine's share of the farm: warm worker processes, and the songs that they compute.

The process that Dask talks to computes nothing: a song that crashes, hangs or takes all memory ends a child of it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from bridge import __version__
from bridge.errors import (
    BridgeError,
    EngineFailed,
    InternalError,
    NotFound,
    NotReadable,
    OutsideRoots,
    ProtocolMismatch,
    unresponsive_drive,
)
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.farm.carrying.bench import Bench
from bridge.farm.carrying.values import CarriedFile
from bridge.farm.finished import finished_song, is_computed_now
from bridge.farm.paths import PathMap
from bridge.farm.story import lasts
from bridge.farm.task import SongEvent, TaskOutcome, TaskRecord, decode_record, encode
from bridge.model import Failure
from bridge.options.request import check_request
from bridge.pipeline.folders.output_folder import translate_folder_errors
from bridge.pipeline.source_lookup import wanted_folder
from bridge.project_paths import check_roots
from bridge.protocols import Clock
from bridge.protocols.computing import JobComputer
from bridge.request import JobRequest
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How long an earlier attempt, whose machine has died, may take to notice and end. A worker process whose parent has
#: gone ends within a window of its model.
PREDECESSOR_SECONDS = 20.0
_POLL_SECONDS = 0.1
#: Tells what happens to a song: (topic, message).
Tell = Callable[[str, bytes], None]


class Shared(NamedTuple):
    """What this machine shares with those that ask."""

    folders: tuple[Path, ...]
    """A song is computed only if its source and its results lie in one of them."""
    paths: PathMap


class Pool:
    """The worker processes of one machine. `compute` is what a task of the farm does."""

    def __init__(self, computers: Sequence[JobComputer], shared: Shared, clock: Clock, bench: Bench) -> None:
        """
        Args:
            computers: each computes one song at a time.
            bench: for songs that do not lie in what is shared.
        """
        self._computers = tuple(computers)
        self._shared = shared
        self.bench = bench
        self.address = ""
        """Where Dask reaches this machine."""
        self._clock = clock
        self._free: asyncio.Queue[JobComputer] = asyncio.Queue()
        for computer in self._computers:
            self._free.put_nowait(computer)
        self._songs: dict[str, asyncio.Task[TaskOutcome]] = {}
        self.problem = ""
        """Why nothing computes here any more, a sentence; empty: it does."""

    @property
    def running(self) -> int:
        """How many songs are computed at the moment."""
        return len(self._songs)

    async def compute(self, content: bytes, tell: Tell) -> bytes:
        """Computes the song of a record, and returns its outcome; a song that is computed here already is joined.

        Raises:
            EngineFailed: nothing computes here any more; another machine has to take the song.
        """
        try:
            record = decode_record(content)
        except msgspec.MsgspecError as error:
            raise ProtocolMismatch(f"The farm sent a song that this version cannot read ({error}).") from error
        song = self._songs.get(record.job)
        if song is None:
            song = asyncio.create_task(self._song(record, tell), name=record.job)
            self._songs[record.job] = song
            song.add_done_callback(lambda _: self._songs.pop(record.job, None))
        try:
            return encode(await asyncio.shield(song))
        except asyncio.CancelledError:
            if song.cancelled():  # somebody has cancelled the song, not this task
                return encode(TaskOutcome(attempt="", events=(self._ended(record.job, "cancelled"),)))
            await self.cancel(record.job)  # the scheduler has gone: another machine may get the song at once
            raise

    async def cancel(self, job: str) -> None:
        """Cancels a song if it is computed here; returns when nothing of it runs any more."""
        song = self._songs.get(job)
        if song is not None:
            song.cancel()
            await asyncio.wait({song})

    async def cancel_all(self) -> None:
        """Cancels what is computed here, because the scheduler has gone and will give it to others."""
        await asyncio.gather(*map(self.cancel, [*self._songs]))

    async def close(self) -> None:
        """Ends the worker processes."""
        await self.cancel_all()
        await asyncio.gather(*(computer.close() for computer in self._computers))

    async def _song(self, record: TaskRecord, tell: Tell) -> TaskOutcome:
        attempt, events = secrets.token_hex(4), list[JobEvent]()

        def on_event(event: JobEvent | LiveNotes) -> None:
            shown = self._shared.paths.event_there(event)
            index = -1
            if lasts(shown):
                index = len(events)
                events.append(shown)
            tell(record.topic, encode(SongEvent(job=record.job, attempt=attempt, index=index, event=shown)))

        try:
            if not await off_loop(lambda: self._is_shared(record), timeout_seconds=ANSWER_SECONDS):
                return await self._carried(record, attempt, events, on_event)
            ended = await self._computed(record, on_event)
        except EngineFailed as error:
            self.problem = str(error)
            raise
        except TimeoutError:
            source = self._shared.paths.here(record.request.source)
            ended = self._ended(record.job, "failed", unresponsive_drive(source))
        except BridgeError as error:
            ended = self._ended(record.job, "failed", error)
        except Exception as error:
            log.exception("the song %s failed unexpectedly", record.job)
            problem = InternalError(f"An unexpected error occurred ({type(error).__name__}: {error}).")
            ended = self._ended(record.job, "failed", problem)
        return TaskOutcome(attempt=attempt, events=(*events, ended), machine=self.address)

    async def _computed(self, record: TaskRecord, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        job, request = record.job, self._checked(record)
        await off_loop(lambda: self._check_place(record, request), timeout_seconds=ANSWER_SECONDS)
        await self._until_predecessor_ends(job, request)
        computer = await self._free.get()
        try:
            now = self._clock.unix_seconds()
            done, end = await _looked_up(request, lambda: finished_song(job, request, now))
            for event in done:
                on_event(event)
            return end or await computer.compute(job, request, on_event)
        finally:
            self._free.put_nowait(computer)

    async def _carried(
        self,
        record: TaskRecord,
        attempt: str,
        events: Sequence[JobEvent],
        on_event: Callable[[JobEvent | LiveNotes], None],
    ) -> TaskOutcome:
        """Computes a song from its clip into a folder of this machine's own; without the clip, it asks for that."""
        job, clip, bench = record.job, record.clip, self.bench
        self._checked(record)
        if clip is None or not await asyncio.to_thread(bench.has, clip):
            return TaskOutcome(attempt="", events=(), machine=self.address)
        computer = await self._free.get()
        files: tuple[CarriedFile, ...] = ()
        try:
            with translate_folder_errors(bench.folder):
                request = await asyncio.to_thread(bench.prepare, job, record.request, clip)
                ended = await computer.compute(job, request, on_event)
                if ended.outcome == "done":
                    files = await asyncio.to_thread(bench.results, job)
        finally:
            self._free.put_nowait(computer)
            if not files:
                await asyncio.shield(asyncio.to_thread(bench.forget, job))
        return TaskOutcome(attempt=attempt, events=(*events, ended), machine=self.address, carried=files)

    def _is_shared(self, record: TaskRecord) -> bool:
        """Whether source, results and picture lie in what this machine shares, so that nothing has to be carried."""
        request = self._shared.paths.request_here(record.request)
        picture = request.note_files.picture
        try:
            for path in (Path(request.source), wanted_folder(request), *([Path(picture)] if picture else ())):
                check_roots(path, self._shared.folders)
        except (OutsideRoots, NotFound):
            return False
        return bool(self._shared.folders)

    async def _until_predecessor_ends(self, job: str, request: JobRequest) -> None:
        """Waits until no other process works on the same song: a machine that was cut off may still be at it."""
        for _ in range(round(PREDECESSOR_SECONDS / _POLL_SECONDS)):
            if not await _looked_up(request, lambda: is_computed_now(job, request)):
                return
            await asyncio.sleep(_POLL_SECONDS)
        log.warning("another process still works on %s; it is computed anew beside it", request.source)

    def _checked(self, record: TaskRecord) -> JobRequest:
        """The request with this machine's paths.

        Raises:
            ProtocolMismatch: it comes from another version of the bridge.
            BadArguments: its values do not fit together.
        """
        if record.version != __version__:
            raise ProtocolMismatch(
                f"This machine of the farm has version {__version__} of the bridge, and {record.version} asked.",
                advice="Install the same version on all machines.",
            )
        check_request(record.request)
        return self._shared.paths.request_here(record.request)

    def _check_place(self, record: TaskRecord, request: JobRequest) -> None:
        """Checks that the source is the one that was meant; that a shared folder has none is told of by its job.

        Raises:
            NotReadable: it is another file.
        """
        source = Path(request.source)
        with suppress(OSError):
            if (size := source.stat().st_size) != record.source_bytes:
                raise NotReadable(
                    f"{source} has {size} bytes on this machine of the farm, and {record.source_bytes} where it was "
                    "asked for.",
                    advice="Check that both mean the same folder (--map), and that the file is complete.",
                )

    def _ended(self, job: str, outcome: str, error: BridgeError | None = None) -> Ended:
        failure = None if error is None else Failure(code=error.code, message=str(error))
        now = self._clock.unix_seconds()
        return Ended(job=job, outcome=outcome, unix_seconds=now, failure=failure)  # type: ignore[arg-type]


async def _looked_up(request: JobRequest, look: Callable[[], T]) -> T:
    """What a look into the folder of the results finds.

    Raises:
        NotWritable: this machine cannot look into it.
        TimeoutError: its drive does not answer.
    """

    def translated() -> T:
        with translate_folder_errors(wanted_folder(request)):
            return look()

    return await off_loop(translated, timeout_seconds=ANSWER_SECONDS)
