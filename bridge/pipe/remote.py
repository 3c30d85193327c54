"""A bridge in another process, as a screen uses it."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from bridge.connections.values import Connections, WireMessage
from bridge.errors import BridgeError, no_such_job
from bridge.events import (
    ComputingMoved,
    Event,
    GroupEnded,
    JobEvent,
    MidiReady,
    Noticed,
    Removed,
    Restored,
    Started,
    Submitted,
    WorkerChanged,
)
from bridge.groups.group import Group, ended_group, group_with, groups_of, take_or_put, unknown_group
from bridge.lifecycle import apply
from bridge.model import Job, ModelInfo, Status
from bridge.pipe import methods
from bridge.pipe.messages import (
    Answered,
    AskToQuit,
    Facts,
    FromBridge,
    Goodbye,
    KnownJobs,
    Ready,
    Refused,
    Told,
    Watched,
    WatchStream,
    read_raw,
)
from bridge.pipe.methods import STREAMS
from bridge.pipe.questions import Questions
from bridge.plain import is_text
from bridge.protocols.looking import FileLook, look_at_no_text
from bridge.protocols.reading import JobView, NotesView
from bridge.protocols.workshop import SettingView
from bridge.request import JobRequest

#: Notices from before a screen listens, which it is told when it does.
EARLY_NOTICES = 100


class BridgeEnded(BridgeError):  # noqa: N818 - named as in bridge.errors
    """The bridge of an attached screen has ended."""

    code = "not_found"


class RemoteReader:
    """Implements `protocols.reading.Reader`: the bridge's own process reads."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    async def open(self, job: str) -> JobView:
        return await self._questions.ask(methods.READER_OPEN, job)

    async def notes(
        self,
        job: str,
        request: JobRequest,
        start_seconds: float = 0.0,
        end_seconds: float = math.inf,
        stems: Sequence[str] = (),
    ) -> NotesView:
        return await self._questions.ask(methods.READER_NOTES, job, request, start_seconds, end_seconds, tuple(stems))


class RemoteWorkshop:
    """Implements `protocols.Workshop`: the bridge's own process downloads, and writes its settings file."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def pull(self, name: str) -> None:
        self._questions.post(methods.PULL, name)

    def cancel_pull(self, name: str) -> None:
        self._questions.post(methods.CANCEL_PULL, name)

    async def settings(self) -> tuple[SettingView, ...]:
        return await self._questions.ask(methods.SETTINGS)

    async def change_setting(self, name: str, text: str) -> SettingView:
        return await self._questions.ask(methods.CHANGE_SETTING, name, text)


class RemoteBridge:
    """Implements `protocols.Bridge` over the pipe.

    Jobs, groups and status are a fold of the bridge's events, so reading them asks nobody. What acts on the bridge is
    checked as far as these tell, sent, and done a moment later; if it fails after all, that is an event (`Noticed`).

    Args:
        facts: from the bridge's greeting.
        write: sends a frame; does nothing where the bridge has gone.
    """

    def __init__(self, facts: Facts, write: Callable[[bytes], object]) -> None:
        self._keeps_jobs = facts.keeps_jobs
        self._status = facts.status
        self._questions = Questions(write)
        self._reader = RemoteReader(self._questions)
        self._workshop = RemoteWorkshop(self._questions)
        self._jobs: dict[str, Job] = {}
        self._groups: dict[str, Group] = {}
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._watchers: dict[str, dict[int, Callable[[Any], None]]] = {name: {} for name in STREAMS}
        self._next = 0
        self._early: deque[Noticed] = deque(maxlen=EARLY_NOTICES)
        self.end: BridgeError | None = None
        """Why the bridge has gone; None while it runs."""
        self.is_ready = asyncio.Event()
        """Set when all jobs are known, or the bridge has gone."""
        self.has_gone = asyncio.Event()

    # From the bridge

    def take(self, message: FromBridge) -> None:
        """Handles one message. Raises MsgspecError: it is not what was asked for."""
        match message:
            case Told(event=event):
                self._on_event(event)
            case Watched(stream=stream, value=value) if stream in STREAMS:
                for watcher in tuple(self._watchers[stream].values()):
                    watcher(read_raw(value, STREAMS[stream]))
            case KnownJobs(jobs=jobs):
                self._jobs.update((job.id, job) for job in jobs)
            case Ready(groups=groups):
                self._groups = {**groups_of(self._jobs.values()), **{group.id: group for group in groups}}
                self.is_ready.set()
            case Answered() | Refused():
                error = self._questions.on_answer(message)
                if error is not None and message.number == 0:
                    self.lose(error)
                elif error is not None:
                    self._publish(Noticed(level="error", message=str(error)))
            case Goodbye():
                self.lose(BridgeEnded("The bridge was quit.", advice="Its jobs are kept, and go on at its next start."))

    def lose(self, error: BridgeError) -> None:
        """Called when the connection has ended; the first reason counts."""
        if self.end is None:
            self.end = error
            self._questions.lose(error)
            self.has_gone.set()
            self.is_ready.set()

    def _on_event(self, event: Event) -> None:
        match event:
            case WorkerChanged(state=state):
                self._status = replace(self._status, worker=state)
            case ComputingMoved(computing=computing):
                self._status = replace(self._status, computing=computing)
            case MidiReady(status=midi):
                self._status = replace(self._status, midi=midi)
            case GroupEnded(group_id=group_id) if group_id in self._groups:
                self._groups[group_id] = ended_group(self._groups[group_id])
            case Started(engine=engine, device=device) if device:
                self._status = replace(self._status, engine=engine, device=device)
        if isinstance(event, (Removed, Restored)):
            take_or_put(event, self._jobs, self._groups)
        elif isinstance(event, JobEvent):
            before = self._jobs.get(event.job)
            if before is not None or isinstance(event, Submitted):
                self._jobs[event.job] = job = apply(before, event)
                if job.group_id:
                    self._groups[job.group_id] = group_with(self._groups.get(job.group_id), job)
        self._publish(event)

    def _publish(self, event: Event) -> None:
        if not self._listeners and isinstance(event, Noticed):
            self._early.append(event)
        for listener in tuple(self._listeners.values()):
            listener(event)

    # As in protocols.Bridge: what is known here

    def group(self, group_id: str) -> Group:
        found = self._groups.get(group_id)
        if found is None:
            raise unknown_group(group_id)
        return found

    def groups(self) -> tuple[Group, ...]:
        return tuple(self._groups.values())

    def job(self, job: str) -> Job:
        found = self._jobs.get(job)
        if found is None:
            raise no_such_job(job)
        return found

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def status(self) -> Status:
        states = [job.state for job in self._jobs.values()]
        return replace(self._status, queued=states.count("queued"), running=states.count("running"))

    @property
    def keeps_jobs(self) -> bool:
        return self._keeps_jobs

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        key = self._key()
        self._listeners[key] = listener
        while self._early:
            listener(self._early.popleft())
        return lambda: self._listeners.pop(key, None) and None

    # As in protocols.Bridge: what the bridge is asked

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        job, before = await self._questions.ask(methods.SUBMIT, request, sender, origin)
        return self._jobs.setdefault(job.id, job), before

    async def cancel_all(self, jobs: Sequence[str]) -> None:
        await self._questions.ask(methods.CANCEL_ALL, tuple(jobs))

    def remove(self, jobs: Sequence[str]) -> None:
        self._questions.post(methods.REMOVE, tuple(jobs))

    def restore(self, jobs: Sequence[str]) -> None:
        self._questions.post(methods.RESTORE, tuple(jobs))

    def cancel(self, job: str) -> None:
        self._questions.post(methods.CANCEL, self.job(job).id)

    def cancel_group(self, group: str, sender: str = "") -> None:
        self._find_group(group)
        self._questions.post(methods.CANCEL_GROUP, group, sender)

    def close_group(self, group: str, sender: str = "") -> Sequence[str]:
        found = self._find_group(group)
        self._questions.post(methods.CLOSE_GROUP, group, sender)
        return [job.id for job in reversed(found.jobs) if not job.is_over]

    def _find_group(self, group: str) -> Group:
        """By its id, or by its name if it is not over. Raises NotFound."""
        named = (known for known in self._groups.values() if known.name == group and not known.is_over)
        return self._groups.get(group) or next(named, None) or self.group(group)

    async def models(self) -> tuple[ModelInfo, ...]:
        return await self._questions.ask(methods.MODELS)

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        looks = await self._questions.ask(methods.LOOK, tuple(filter(is_text, paths)))
        told = iter(looks)
        return tuple(next(told) if is_text(path) else look_at_no_text(path) for path in paths)

    async def clips(self, folder: str) -> tuple[str, ...]:
        return await self._questions.ask(methods.CLIPS, folder)

    async def outline(self, path: str) -> bytes:
        return await self._questions.ask(methods.OUTLINE, path)

    async def show_folder(self, folder: str, files: Sequence[str] = ()) -> None:
        await self._questions.ask(methods.SHOW_FOLDER, folder, tuple(files))

    @property
    def reader(self) -> RemoteReader:
        return self._reader

    @property
    def workshop(self) -> RemoteWorkshop:
        return self._workshop

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        await self._questions.ask(methods.PLAY, job, None if stems is None else tuple(stems), sync)

    def stop(self, job: str | None = None) -> None:
        self._questions.post(methods.STOP, None if job is None else self.job(job).id)

    def panic(self) -> None:
        self._questions.post(methods.PANIC)

    async def connections(self) -> Connections:
        return await self._questions.ask(methods.CONNECTIONS)

    def watch_wire(self, watcher: Callable[[WireMessage], None]) -> Callable[[], None]:
        return self._watch("watch_wire", watcher)

    def _watch(self, stream: str, watcher: Callable[[Any], None]) -> Callable[[], None]:
        """The bridge tells a stream only while somebody watches it."""
        watchers, key = self._watchers[stream], self._key()
        if not watchers:
            self._questions.send(WatchStream(stream=stream, is_on=True))
        watchers[key] = watcher

        def end() -> None:
            if watchers.pop(key, None) is not None and not watchers:
                self._questions.send(WatchStream(stream=stream, is_on=False))

        return end

    def _key(self) -> int:
        self._next += 1
        return self._next

    def ask_to_quit(self) -> None:
        """The bridge ends in order, for all of its screens and clients."""
        self._questions.send(AskToQuit())
