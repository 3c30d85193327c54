"""Fakes of the protocols: each records its calls and returns what the test has set."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic

from msgspec.structs import replace

from bridge.connections.values import Connections, WireMessage
from bridge.errors import Cancelled, NotFound, no_such_job
from bridge.events import Event, Removed, Restored
from bridge.groups.group import Group, groups_of, unknown_group
from bridge.model import Job, MidiStatus, ModelInfo, Note, Status, Warning
from bridge.protocols.hearing import HearingStatus, Track
from bridge.protocols.looking import FileLook
from bridge.protocols.reading import JobView, NotesView
from bridge.protocols.transcribing import Analysis, StreamedNotes
from bridge.protocols.workshop import SettingView
from bridge.request import JobRequest


@dataclass
class FakeClock:
    """A clock that only `advance` moves."""

    now: float = 1000.0

    def monotonic_seconds(self) -> float:
        return self.now

    def unix_seconds(self) -> float:
        return 1_700_000_000.0 + self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class RecordingControl:
    """Records every fraction and warning; cancels from the checkpoint numbered `cancel_at` on."""

    cancel_at: int | None = None
    fractions: list[float] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)

    def checkpoint(self, fraction: float) -> None:
        self.fractions.append(fraction)
        if self.cancel_at is not None and len(self.fractions) > self.cancel_at:
            raise Cancelled

    def warn(self, warning: Warning) -> None:
        self.warnings.append(warning)


@dataclass
class RecordingOutput:
    """A MIDI port that records each message at once, ignoring its time."""

    name: str
    sent: list[tuple[int, ...]] = field(default_factory=list)
    closed: bool = False
    ahead_ns: int = 0
    taken_back: int = 0
    """Number of calls of `take_back`."""

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:  # noqa: ARG002 - the seam's signature
        self.sent.append(tuple(message))

    def take_back(self) -> None:
        self.taken_back += 1

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeReader:
    """A reader of views that the test sets; `asked` lists every call."""

    views: dict[str, JobView] = field(default_factory=dict)
    """By job; a job without one has an empty view."""
    readings: Callable[[str, JobRequest, float, float], NotesView] | None = None
    """What a question for notes is answered with; None: it is refused."""
    asked: list[tuple[object, ...]] = field(default_factory=list)
    refuse: Exception | None = None

    async def open(self, job: str) -> JobView:
        self.asked.append(("open", job))
        if self.refuse is not None:
            raise self.refuse
        return self.views.get(job) or JobView(job=job, seconds=0.0)

    async def notes(
        self,
        job: str,
        request: JobRequest,
        start_seconds: float = 0.0,
        end_seconds: float = math.inf,
        stems: Sequence[str] = (),
    ) -> NotesView:
        self.asked.append(("notes", job, request, start_seconds, end_seconds, tuple(stems)))
        if self.refuse is not None or self.readings is None:
            raise self.refuse or NotFound("The analyses are no longer kept.")
        return self.readings(job, request, start_seconds, end_seconds)


@dataclass
class FakeWorkshop:
    """Settings as the test sets them; `asked` lists every call, and downloads end when the test says so."""

    views: tuple[SettingView, ...] = ()
    asked: list[tuple[object, ...]] = field(default_factory=list)
    refuse: Exception | None = None

    def pull(self, name: str) -> None:
        self.asked.append(("pull", name))

    def cancel_pull(self, name: str) -> None:
        self.asked.append(("cancel pull", name))

    async def settings(self) -> tuple[SettingView, ...]:
        return self.views

    async def change_setting(self, name: str, text: str) -> SettingView:
        self.asked.append(("change", name, text))
        if self.refuse is not None:
            raise self.refuse
        changed = [replace(view, text=text, is_waiting=True) if view.name == name else view for view in self.views]
        self.views = tuple(changed)
        return next(view for view in changed if view.name == name)


@dataclass
class FakeBridge:
    """A bridge without processes: jobs stay as the test sets them, `asked` lists every call."""

    table: dict[str, Job] = field(default_factory=dict)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    removed: dict[str, Job] = field(default_factory=dict)
    outlined: list[str] = field(default_factory=list)
    looks: dict[str, FileLook] = field(default_factory=dict)
    """What `look` says of some paths; of all others that they are songs of 20 s."""
    known_models: tuple[ModelInfo, ...] = (ModelInfo(name="draft", stems=("vocals",), present=True, note="built in"),)
    midi: MidiStatus = field(default_factory=MidiStatus)
    refuse: Exception | None = None
    keeps_jobs: bool = True
    seen: asyncio.Event | None = None
    """If given, every inspection lasts until it is set."""
    listeners: list[Callable[[Event], None]] = field(default_factory=list)
    workshop: FakeWorkshop = field(default_factory=FakeWorkshop)
    reader: FakeReader = field(default_factory=lambda: FakeReader())
    known_connections: Connections = field(default_factory=Connections)
    watchers: list[Callable[[WireMessage], None]] = field(default_factory=list)

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        del sender, origin
        if self.seen is not None:
            await self.seen.wait()
        self.asked.append(("submit", request))
        if self.refuse is not None:
            raise self.refuse
        job = Job(id=f"job{len(self.table) + 1}", name="clip", request=request, submitted_unix=0.0)
        self.table[job.id] = job
        return job, len(self.table) - 1

    async def cancel_all(self, jobs: Sequence[str]) -> None:
        for job in jobs:
            with suppress(NotFound):
                self.cancel(job)

    def remove(self, jobs: Sequence[str]) -> None:
        self.asked.append(("remove", *jobs))
        for job in jobs:
            self.removed[job] = self.table.pop(job)
            self.publish(Removed(job=job, unix_seconds=0.0))

    def restore(self, jobs: Sequence[str]) -> None:
        self.asked.append(("restore", *jobs))
        for job in jobs:
            self.table[job] = self.removed.pop(job)
            self.publish(Restored(job=job, unix_seconds=0.0, value=self.table[job]))

    def cancel(self, job: str) -> None:
        self.asked.append(("cancel", self.job(job).id))

    def cancel_group(self, group: str, sender: str = "") -> None:
        del sender
        self.asked.append(("cancel group", self.group(group).id))

    def close_group(self, group: str, sender: str = "") -> Sequence[str]:
        del sender
        return [job.id for job in self.group(group).jobs]

    def group(self, group_id: str) -> Group:
        found = groups_of(self.jobs()).get(group_id)
        if found is None:
            raise unknown_group(group_id)
        return found

    def groups(self) -> tuple[Group, ...]:
        return tuple(groups_of(self.jobs()).values())

    def job(self, job: str) -> Job:
        if job not in self.table:
            raise no_such_job(job)
        return self.table[job]

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self.table.values())

    def status(self) -> Status:
        waiting = sum(job.state == "queued" for job in self.jobs())
        running = sum(job.state == "running" for job in self.jobs())
        return Status(queued=waiting, running=running, engine="draft", device="cpu", midi=self.midi, worker="ready")

    async def models(self) -> tuple[ModelInfo, ...]:
        return self.known_models

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        return tuple(self.looks.get(path) or FileLook(path=path, seconds=20.0, sample_rate_hz=44_100) for path in paths)

    async def clips(self, folder: str) -> tuple[str, ...]:
        return tuple(path for path in self.looks if path.startswith(f"{folder}/"))

    async def outline(self, path: str) -> bytes:
        self.outlined.append(path)
        return bytes(range(0, 250, 2))

    async def show_folder(self, folder: str, files: Sequence[str] = ()) -> None:
        self.asked.append(("show folder", folder, *files))

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        asked = ("play", self.job(job).id, None if stems is None else tuple(stems))
        self.asked.append(asked if sync is None else (*asked, sync))
        if self.refuse is not None:
            raise self.refuse

    def stop(self, job: str | None = None) -> None:
        self.asked.append(("stop", job))

    def panic(self) -> None:
        self.asked.append(("panic",))

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def connections(self) -> Connections:
        return self.known_connections

    def watch_wire(self, watcher: Callable[[WireMessage], None]) -> Callable[[], None]:
        self.watchers.append(watcher)
        return lambda: self.watchers.remove(watcher)

    def tell_wire(self, message: WireMessage) -> None:
        for watcher in tuple(self.watchers):
            watcher(message)

    def publish(self, event: Event) -> None:
        for listener in tuple(self.listeners):
            listener(event)


@dataclass
class FakeHearing:
    """An output that plays nothing: `status` changes as the calls say, time passes only by `advance`."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    status: HearingStatus = field(default_factory=HearingStatus)
    refuse: Exception | None = None
    tracks: tuple[Track, ...] = ()
    listeners: list[Callable[[HearingStatus], None]] = field(default_factory=list)

    async def play(self, tracks: Sequence[Track], at_seconds: float = 0.0) -> None:
        self.asked.append(("play", tuple(track.name for track in tracks), at_seconds))
        if self.refuse is not None:
            raise self.refuse
        self.tracks = tuple(tracks)
        self.tell(HearingStatus(is_playing=True, seconds=at_seconds, device="Speakers"))

    def set_silent(self, names: Sequence[str]) -> None:
        self.asked.append(("silent", tuple(names)))

    def replace_notes(self, name: str, notes: Sequence[Note]) -> None:
        self.asked.append(("notes", name, tuple(notes)))

    def seek(self, seconds: float) -> None:
        self.asked.append(("seek", seconds))
        if self.tracks:
            self.tell(replace(self.status, seconds=seconds))

    def pause(self) -> None:
        self.asked.append(("pause",))
        self.tell(replace(self.status, is_playing=False))

    def resume(self) -> None:
        self.asked.append(("resume",))
        if self.tracks:
            self.tell(replace(self.status, is_playing=True))

    def stop(self) -> None:
        self.asked.append(("stop",))
        self.tracks = ()
        self.tell(HearingStatus())

    def subscribe(self, listener: Callable[[HearingStatus], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def close(self) -> None:
        self.asked.append(("close",))

    def advance(self, seconds: float) -> None:
        """So much of the clip has been heard."""
        self.tell(replace(self.status, seconds=self.status.seconds + seconds))

    def tell(self, status: HearingStatus) -> None:
        self.status = status
        for listener in tuple(self.listeners):
            listener(status)


@dataclass
class ScriptedStream(Generic[Analysis]):
    """A `NoteStream` of notes that the test knows, final up to `delay_seconds` before what is known of the clip."""

    script: Sequence[Note]
    """By onset, then pitch."""
    result: Analysis | None
    clip_seconds: float
    delay_seconds: float = 0.0
    known: list[float] = field(default_factory=list)
    """What each advance was told."""
    until: float = 0.0

    def advance(self, known_seconds: float) -> StreamedNotes:
        self.known.append(known_seconds)
        at_the_end = known_seconds >= self.clip_seconds
        before, self.until = (
            self.until,
            self.clip_seconds if at_the_end else max(0.0, known_seconds - self.delay_seconds),
        )
        sounding = [note for note in self.script if note.onset_seconds < self.until and note.offset_seconds >= before]
        return StreamedNotes(sounding, self.until)

    def analysis(self) -> Analysis | None:
        return self.result


class RecordingRunner:
    """A runner that only records its calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.requests: list[JobRequest] = []

    def run(self, job: str, request: JobRequest) -> None:
        self.asked.append(("run", job))
        self.requests.append(request)

    def cancel(self, job: str) -> None:
        self.asked.append(("cancel", job))
