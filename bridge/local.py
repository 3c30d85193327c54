"""The bridge of this process, which passes each request to the part that handles it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from bridge.bus import EventBus
from bridge.config import Settings
from bridge.connections.board import Board
from bridge.connections.values import Connections, WireMessage
from bridge.errors import BridgeError, NotFound, unresponsive_drive
from bridge.events import (
    Cancelling,
    ComputingMoved,
    Ended,
    Event,
    GroupEnded,
    HorizonMoved,
    JobEvent,
    LiveNotes,
    MidiEnded,
    MidiStarted,
    MidiWaiting,
    Noticed,
    Removed,
    Requeued,
    Restored,
    Started,
    Submitted,
    WorkerChanged,
)
from bridge.groups.group import Group, group_with, groups_of, unknown_group
from bridge.inspector.admission import Admission
from bridge.inspector.outline import OutlineRequest, outline_of
from bridge.midi.client import MidiPlayer
from bridge.midi.live_takes import LiveTakes
from bridge.midi.offsets import offsets_seconds
from bridge.model import Computing, Job, ModelInfo, Status
from bridge.pipeline.clips_in_folder import clips_in
from bridge.processes.show_folder import show_folder
from bridge.protocols import Clock, FileLook, Reader, Workshop
from bridge.reader.client import ReaderClient
from bridge.request import JobRequest
from bridge.scheduler import Scheduler
from bridge.separation.catalogue import catalogue, known_engines
from bridge.separation.names import AUTO, DRAFT
from bridge.separation.throughput import EngineSpeeds
from bridge.system.clock import SystemClock
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

#: How long a list of engines may take; one request in many waits for it.
ENGINES_SECONDS = 1.0
#: How often groups are looked at that wait for clips from a client that may be gone.
IDLE_CHECK_SECONDS = 10.0
#: Said when a job is taken up once more, and the notes that played live end.
TAKE_IS_OVER = "The notes end, because their job begins again; play them when it is done."


class LocalBridge:
    """Implements `protocols.Bridge` over the scheduler, the MIDI player and the event bus."""

    def __init__(
        self,
        settings: Settings,
        bus: EventBus,
        scheduler: Scheduler,
        admission: Admission,
        player: MidiPlayer,
        reader: ReaderClient,
        clock: Clock | None = None,
        board: Board | None = None,
    ) -> None:
        self._settings = settings
        self._board = board or Board(clock or SystemClock())
        self._bus = bus
        self._scheduler = scheduler
        self._admission = admission
        self._player = player
        self._reader = reader
        self._live = LiveTakes(player, bus.publish, clock or SystemClock(), lambda: offsets_seconds(settings))
        self._engine = settings.defaults.engine.name
        self._device = settings.defaults.engine.device
        self._worker = "starting"
        self._computing: Computing = "here"
        self._tasks: set[asyncio.Task[None]] = set()
        self._engines: Sequence[str] = (AUTO, DRAFT)
        self._submitted_jobs: set[str] = set()
        """Jobs submitted since this bridge started."""
        self._playing: set[tuple[str, str]] = set()
        """(job, stem) of all notes that play or are armed."""
        self._live_groups: dict[str, Group] = {}
        """Folded as they go, so that their progress never falls; the others come from their jobs."""
        self._workshop: Workshop | None = None
        self._looking: asyncio.Future[tuple[ModelInfo, ...]] | None = None
        self._idle_check: asyncio.TimerHandle | None = None
        bus.subscribe(self._on_event)

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        try:
            return await self._admission.admit(request, sender, origin)
        finally:
            self._check_idle_groups_later()

    async def cancel_all(self, jobs: Sequence[str]) -> None:
        await self._scheduler.prepare_cancel(jobs)
        for job in jobs:
            with suppress(NotFound):  # lost with the history of an earlier run
                self.cancel(job)

    def remove(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            with suppress(NotFound):
                if self._scheduler.job(job).is_over:
                    self._silence(job)
        self._scheduler.remove(jobs)

    def restore(self, jobs: Sequence[str]) -> None:
        self._scheduler.restore(jobs)

    def cancel(self, job: str) -> None:
        self._scheduler.cancel(job)
        self._silence(job)  # a finished job may still be playing

    def close_group(self, group: str, sender: str = "") -> Sequence[str]:
        return self._scheduler.close_group(group, sender)

    def cancel_group(self, group: str, sender: str = "") -> None:
        self._scheduler.cancel_group(group, sender)

    def group(self, group_id: str) -> Group:
        found = self._live_groups.get(group_id) or groups_of(self._scheduler.jobs()).get(group_id)
        if found is None:
            raise unknown_group(group_id)
        return found

    def groups(self) -> tuple[Group, ...]:
        return tuple({**groups_of(self._scheduler.jobs()), **self._live_groups}.values())

    def job(self, job: str) -> Job:
        return self._scheduler.job(job)

    def jobs(self) -> tuple[Job, ...]:
        return self._scheduler.jobs()

    @property
    def keeps_jobs(self) -> bool:
        return self._scheduler.keeps_jobs

    def status(self) -> Status:
        return Status(
            queued=self._scheduler.waiting,
            running=self._scheduler.running,
            engine=self._engine,
            device=self._device,
            midi=self._player.status,
            worker=self._worker,
            computing=self._computing,
        )

    @property
    def reader(self) -> Reader:
        return self._reader

    @property
    def workshop(self) -> Workshop:
        assert self._workshop is not None, "the bridge is not open yet"
        return self._workshop

    def use(self, workshop: Workshop) -> None:
        """Gives it its workshop, whose downloads need the worker."""
        self._workshop = workshop

    async def models(self) -> tuple[ModelInfo, ...]:
        """Who asks while the folders are looked at gets the same answer: a flood costs one look at a time."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._look_for_models())
            self._looking.add_done_callback(self._have_looked)
        return await asyncio.shield(self._looking)

    def _have_looked(self, looking: asyncio.Future[tuple[ModelInfo, ...]]) -> None:
        self._looking = None
        if not looking.cancelled():
            looking.exception()  # if nobody waits for it any more, it is no fault

    async def _look_for_models(self) -> tuple[ModelInfo, ...]:
        settings = self._settings

        def look() -> tuple[ModelInfo, ...]:
            return catalogue(settings.models_dir, speeds=EngineSpeeds.in_folder(settings.cache_dir).fastest())

        try:
            return await off_loop(look, timeout_seconds=ANSWER_SECONDS)
        except TimeoutError:
            raise unresponsive_drive(settings.models_dir) from None

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        return await self._admission.look(paths)

    async def clips(self, folder: str) -> tuple[str, ...]:
        try:
            found = await off_loop(lambda: clips_in(Path(folder)), timeout_seconds=ANSWER_SECONDS)
        except TimeoutError:
            raise unresponsive_drive(folder) from None
        return tuple(map(str, found))

    async def outline(self, path: str) -> bytes:
        limits = self._settings
        roots = tuple(map(str, limits.roots))
        return await outline_of(OutlineRequest(path=path, max_seconds=limits.max_minutes * 60, roots=roots))

    async def show_folder(self, folder: str, files: Sequence[str] = ()) -> None:
        await show_folder(folder, files)

    async def engines(self) -> Sequence[str]:
        """The names of all engines now; the last known ones while the drive of the models does not answer."""
        with suppress(TimeoutError):
            look = partial(known_engines, self._settings.models_dir)
            self._engines = await off_loop(look, timeout_seconds=ENGINES_SECONDS)
        return self._engines

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        found = self._scheduler.job(job)
        files = {result.name: Path(result.path) for result in found.results if result.is_part}
        if not files and not found.is_over:
            raise NotFound(
                f"{found.name} is not finished yet.",
                advice="Play it when it is done; a job that is sent with `play live` plays by itself until then.",
            )
        if not files:
            raise NotFound(
                f"{found.name} has no notes to play.", advice="Let the job finish first, with midi switched on."
            )
        for stem in stems or ():
            if stem not in files:
                raise NotFound(f"{found.name} has no notes for {stem}.", advice=f"It has: {', '.join(files)}.")
        chosen = {stem: files[stem] for stem in (files if stems is None else stems)}
        request = found.request
        default_sync = request.play.sync if job in self._submitted_jobs else self._settings.defaults.play.sync
        await self._player.play(
            job, chosen, lambda: offsets_seconds(self._settings), sync=sync or default_sync, beat=request.song.beat
        )

    def stop(self, job: str | None = None) -> None:
        if job is not None:
            self._silence(job)
        else:
            self._live.stop_all()
            self._player.stop()

    def _silence(self, job: str) -> None:
        """Ends a job's notes, also those that are still to come. Raises NotFound if there is no such job."""
        self._live.stop(job, is_over=self._scheduler.job(job).is_over)
        self._player.stop(job)

    def panic(self) -> None:
        self._live.stop_all()
        self._player.panic()

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self._bus.subscribe(listener)

    async def connections(self) -> Connections:
        return await self._board.look(self._scheduler.jobs())

    def watch_wire(self, watcher: Callable[[WireMessage], None]) -> Callable[[], None]:
        return self._board.wire.watch(watcher)

    async def close(self) -> None:
        """Cancels playback that is being prepared."""
        await self._live.close()
        if self._idle_check is not None:
            self._idle_check.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_event(self, event: Event) -> None:
        self._update_groups(event)
        if isinstance(event, Ended):
            self._stop_removed_jobs()
            # The scheduler looks at the job's group right after this event.
            asyncio.get_running_loop().call_soon(self._check_idle_groups_later)
        match event:
            case Started(engine=engine, device=device) if device:
                self._engine, self._device = engine, device
            case WorkerChanged(state=state):
                self._worker = state
            case ComputingMoved(computing=computing):
                self._computing = computing
            case MidiWaiting(job=job, stem=stem) | MidiStarted(job=job, stem=stem):
                self._playing.add((job, stem))
            case MidiEnded(job=job, stem=stem):
                self._playing.discard((job, stem))
            case Submitted(job=job):
                self._submitted_jobs.add(job)
            case Cancelling(job=job):
                self._silence(job)
            case Requeued(job=job):
                self._live.requeue(job, TAKE_IS_OVER)
                self._reader.forget(job)
            case Ended(job=job, outcome=outcome):
                self._reader.forget(job)
                was_live = self._live.plays(job)
                self._live.end(job, "The job has ended before all of its notes were known, and so has its playback.")
                if outcome == "done" and self._scheduler.job(job).request.play.when_done and not was_live:
                    self._in_background(self._play_when_done(job))

    def on_live_notes(self, notes: LiveNotes) -> None:
        """Takes what is known of the running job's notes: they are played if it plays live, and shown."""
        with suppress(NotFound):  # removed in the meantime
            job = self._scheduler.job(notes.job)
            if not job.is_over and not job.is_cancelling:
                has_moved = self._reader.on_live_notes(notes)
                if job.request.play.is_live:
                    self._live.on_notes(notes, job.request)
                elif has_moved:
                    self._bus.publish(HorizonMoved(job=notes.job, seconds=notes.until_seconds, previews=notes.previews))

    def _check_idle_groups_later(self) -> None:
        """Looks at the groups from time to time as long as one waits for clips that its client promised."""
        if self._idle_check is None and self._scheduler.groups_are_waiting:
            self._idle_check = asyncio.get_running_loop().call_later(IDLE_CHECK_SECONDS, self._check_idle_groups)

    def _check_idle_groups(self) -> None:
        self._idle_check = None
        self._scheduler.end_idle_groups()
        self._check_idle_groups_later()

    def _update_groups(self, event: Event) -> None:
        if isinstance(event, GroupEnded):
            self._live_groups.pop(event.group_id, None)
        elif isinstance(event, JobEvent) and not isinstance(event, (Removed, Restored)):
            job = self._scheduler.job(event.job)
            if not job.group_id:
                return
            known = self._live_groups.get(job.group_id)
            if known is None and not isinstance(event, Submitted):  # of an earlier run
                known = groups_of(self._scheduler.jobs())[job.group_id]
            self._live_groups[job.group_id] = group_with(known, job)

    def _stop_removed_jobs(self) -> None:
        """Stops the notes of jobs that the store has removed, because no client can name them any more."""
        if not self._playing:
            return
        known = {job.id for job in self._scheduler.jobs()}
        for job in {job for job, _ in self._playing} - known:
            self._player.stop(job)

    async def _play_when_done(self, job: str) -> None:
        try:
            await self.play(job)
        except BridgeError as error:  # the files exist, so this is a notice, not a failed job
            self._bus.publish(Noticed(level="warning", message=f"Not played: {error}"))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
