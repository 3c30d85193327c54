"""A bridge in another process, as a screen uses it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

from msgspec.structs import replace

from bridge.errors import BadArguments, BridgeError, Cancelled, NotFound, error_for
from bridge.events import Event, GroupEnded, JobEvent, MidiReady, Noticed, Started, Submitted, WorkerChanged
from bridge.groups.group import Group, ended_group, group_with, groups_of, unknown_group
from bridge.lifecycle import apply
from bridge.model import Job, ModelInfo, Status
from bridge.pipe import methods
from bridge.pipe.messages import (
    CANCELLED,
    Answered,
    Ask,
    AskToQuit,
    Facts,
    FromBridge,
    Goodbye,
    KnownJobs,
    Ready,
    Refused,
    ToBridge,
    Told,
    framed,
    raw,
    read_raw,
)
from bridge.pipe.methods import Method
from bridge.request import JobRequest

T = TypeVar("T")

#: Notices from before a screen listens, which it is told when it does.
EARLY_NOTICES = 100


class BridgeEnded(BridgeError):  # noqa: N818 - named as in bridge.errors
    """The bridge of an attached screen has ended."""

    code = "not_found"


class RemoteBridge:
    """Implements `protocols.Bridge` over the pipe.

    Jobs, groups and status are a fold of the bridge's events, so reading them asks nobody. What acts on the bridge is
    checked as far as these tell, sent, and done a moment later; if it fails after all, that is an event (`Noticed`).

    Args:
        facts: from the bridge's greeting.
        write: sends a frame; does nothing where the bridge has gone.
    """

    def __init__(self, facts: Facts, write: Callable[[bytes], object]) -> None:
        self._facts = facts
        self._write = write
        self._status = facts.status
        self._jobs: dict[str, Job] = {}
        self._groups: dict[str, Group] = {}
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._next_listener = 0
        self._early: deque[Noticed] = deque(maxlen=EARLY_NOTICES)
        self._answers: dict[int, tuple[Method[object], asyncio.Future[object]]] = {}
        self._asked = 0
        self._end: BridgeError | None = None
        self.is_ready = asyncio.Event()
        """Set when all jobs are known, or the bridge has gone."""
        self.has_gone = asyncio.Event()

    # From the bridge

    def take(self, message: FromBridge) -> None:
        """Handles one message."""
        match message:
            case Told(event=event):
                self._on_event(event)
            case KnownJobs(jobs=jobs):
                self._jobs.update((job.id, job) for job in jobs)
            case Ready(groups=groups):
                open_groups = {group.id: group for group in groups}
                self._groups = {**groups_of(self._jobs.values()), **open_groups}
                self.is_ready.set()
            case Answered(number=number, result=result) if number in self._answers:
                method, answer = self._answers.pop(number)
                if not answer.done():
                    answer.set_result(read_raw(result, method.result))
            case Refused(number=number) if number in self._answers:
                _, answer = self._answers.pop(number)
                if not answer.done():
                    answer.set_exception(_error_of(message))
            case Refused(number=0):
                self.lose(_bridge_error_of(message))
            case Refused() if message.code != CANCELLED:
                self._publish(Noticed(level="error", message=str(_bridge_error_of(message))))
            case Goodbye():
                self.lose(BridgeEnded("The bridge was quit.", advice="Its jobs are kept, and go on at its next start."))

    def lose(self, error: BridgeError) -> None:
        """Called when the connection has ended; the first reason counts."""
        if self._end is None:
            self._end = error
            self.has_gone.set()
            self.is_ready.set()
        for _, answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._end)
        self._answers.clear()

    @property
    def end(self) -> BridgeError | None:
        """Why the bridge has gone; None while it runs."""
        return self._end

    def _on_event(self, event: Event) -> None:
        match event:
            case WorkerChanged(state=state):
                self._status = replace(self._status, worker=state)
            case MidiReady(status=midi):
                self._status = replace(self._status, midi=midi)
            case GroupEnded(group_id=group_id) if group_id in self._groups:
                self._groups[group_id] = ended_group(self._groups[group_id])
            case Started(engine=engine, device=device) if device:
                self._status = replace(self._status, engine=engine, device=device)
        if isinstance(event, JobEvent):
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

    # To the bridge

    async def _ask(self, method: Method[T], *arguments: object) -> T:
        """Raises whatever the method raises in the bridge, and BridgeEnded if the bridge goes meanwhile."""
        if self._end is not None:
            raise self._end
        answer: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        number = self._send(method, *arguments)
        self._answers[number] = (cast("Method[object]", method), answer)
        try:
            return cast("T", await answer)
        finally:
            self._answers.pop(number, None)

    def _send(self, method: Method[T], *arguments: object) -> int:
        self._asked += 1
        try:
            self._post(Ask(number=self._asked, method=method.name, arguments=raw(arguments)))
        except ValueError as error:
            raise BadArguments(
                "This cannot be sent to the bridge: a name in it is no valid text, or it is too long.",
                advice="Rename the file first.",
            ) from error
        return self._asked

    def _post(self, message: ToBridge) -> None:
        self._write(framed(message))

    def ask_to_quit(self) -> None:
        """The bridge ends in order, for all of its screens and clients."""
        self._post(AskToQuit())

    # As in protocols.Bridge

    async def submit(self, request: JobRequest, sender: str = "") -> tuple[Job, int]:
        job, before = await self._ask(methods.SUBMIT, request, sender)
        return self._jobs.setdefault(job.id, job), before

    async def cancel_all(self, jobs: Sequence[str]) -> None:
        await self._ask(methods.CANCEL_ALL, tuple(jobs))

    def cancel(self, job: str) -> None:
        self._send(methods.CANCEL, self.job(job).id)

    def cancel_group(self, group: str, sender: str = "") -> None:
        self._find_group(group)
        self._send(methods.CANCEL_GROUP, group, sender)

    def close_group(self, group: str, sender: str = "") -> Sequence[str]:
        found = self._find_group(group)
        self._send(methods.CLOSE_GROUP, group, sender)
        return [job.id for job in reversed(found.jobs) if not job.is_over]

    def group(self, group_id: str) -> Group:
        found = self._groups.get(group_id)
        if found is None:
            raise unknown_group(group_id)
        return found

    def _find_group(self, group: str) -> Group:
        """By its id, or by its name if it is not over. Raises NotFound."""
        named = (known for known in self._groups.values() if known.name == group and not known.is_over)
        return self._groups.get(group) or next(named, None) or self.group(group)

    def groups(self) -> tuple[Group, ...]:
        return tuple(self._groups.values())

    def job(self, job: str) -> Job:
        found = self._jobs.get(job)
        if found is None:
            raise NotFound(f"There is no job {job}.", advice="`/sab/list` lists the known jobs.")
        return found

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def status(self) -> Status:
        states = [job.state for job in self._jobs.values()]
        return replace(self._status, queued=states.count("queued"), running=states.count("running"))

    @property
    def keeps_jobs(self) -> bool:
        return self._facts.keeps_jobs

    async def models(self) -> tuple[ModelInfo, ...]:
        return await self._ask(methods.MODELS)

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        await self._ask(methods.PLAY, job, None if stems is None else tuple(stems), sync)

    def stop(self, job: str | None = None) -> None:
        self._send(methods.STOP, None if job is None else self.job(job).id)

    def panic(self) -> None:
        self._send(methods.PANIC)

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        key, self._next_listener = self._next_listener, self._next_listener + 1
        self._listeners[key] = listener
        while self._early:
            listener(self._early.popleft())
        return lambda: self._listeners.pop(key, None) and None


def _error_of(refused: Refused) -> Exception:
    return Cancelled() if refused.code == CANCELLED else _bridge_error_of(refused)


def _bridge_error_of(refused: Refused) -> BridgeError:
    return error_for(refused.code, refused.message, refused.advice)
