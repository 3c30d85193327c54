"""The main process's client of the inspector, which answers in time or is not waited for."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bridge.config import Settings
from bridge.errors import error_for, unresponsive_drive
from bridge.inspector.messages import (
    Inspect,
    Inspected,
    InspectorCommand,
    InspectorReady,
    InspectorReport,
    InspectorSettings,
    Look,
    Looked,
    Refusal,
)
from bridge.inspector.slots import Slots
from bridge.model import Failure
from bridge.plain import is_text
from bridge.processes.child import Child
from bridge.protocols.looking import FileLook, look_at_no_text
from bridge.request import JobRequest
from bridge.system.off_loop import ANSWER_SECONDS
from bridge.system.waiting import within

log = logging.getLogger(__name__)

#: Inspections at a time, in total and per sender. The process is replaced once `MAX_INSPECTIONS` of them hang.
MAX_INSPECTIONS, MAX_PER_SENDER = 8, 2
#: After this many files of one folder have hung, its other files are refused without waiting.
MAX_HANGS_PER_FOLDER = 2
#: Pause between attempts if the process cannot be started.
RESTART_SECONDS = 10.0
#: All looks at files, whoever asks, count as those of one sender.
_LOOKER = "looks"


class InspectorClient:
    """Implements `protocols.Inspector` with a separate process, which may hang or crash without harm.

    A request that cannot be inspected in time, because the inspector is down or busy, is accepted without inspection:
    the worker checks it again anyway.
    """

    def __init__(
        self, settings: Settings, *, module: str = "bridge.inspector", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._settings = InspectorSettings(
            models_dir=str(settings.models_dir),
            max_seconds=settings.max_minutes * 60,
            roots=tuple(map(str, settings.roots)),
        )
        self._module = module
        self._answer_seconds = answer_seconds
        self._tokens = itertools.count()
        self._answers: dict[int, asyncio.Future[Inspected | Looked | None]] = {}
        self._hanging: set[int] = set()
        self._slots = Slots(MAX_INSPECTIONS, MAX_PER_SENDER)
        self._hung: dict[str, deque[float]] = {}
        """By folder, the last times (event loop clock) when one of its files did not answer."""
        self._up = asyncio.Event()
        self._child = self._new_child()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts the process; returns before it is ready."""
        await self._child.start()

    async def close(self) -> None:
        """Ends the process; pending requests are accepted uninspected."""
        self._accept_pending()
        await self._child.close(grace_seconds=0.5)
        for task in self._tasks:  # a process that hangs in a system call cannot be waited for
            task.cancel()

    @property
    def pid(self) -> int | None:
        return self._child.pid

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        """See `protocols.Inspector`."""
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        try:
            async with self._slots.slot(sender, self._answer_seconds):
                await _until(deadline, self._up.wait())
                answer = await self._answer(
                    request.source, lambda token: Inspect(token=token, request=request), deadline
                )
        except asyncio.TimeoutError:
            return
        refusal = answer.refusal if isinstance(answer, Inspected) else answer
        if isinstance(refusal, Refusal):
            raise error_for(refusal.code, refusal.message, refusal.advice)

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        """See `protocols.Inspector`."""
        return tuple(await asyncio.gather(*map(self._look, paths)))

    async def _look(self, path: str) -> FileLook:
        if not is_text(path):
            return look_at_no_text(path)
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        try:
            async with self._slots.slot(_LOOKER, self._answer_seconds):
                await _until(deadline, self._up.wait())
                answer = await self._answer(path, lambda token: Look(token=token, path=path), deadline)
        except asyncio.TimeoutError:
            answer = None
        if isinstance(answer, Looked):
            return answer.look
        failure = Failure(code=answer.code, message=answer.message) if isinstance(answer, Refusal) else None
        return FileLook(path=path, refusal=failure)

    async def _answer(
        self, path: str, question: Callable[[int], InspectorCommand], deadline: float
    ) -> Inspected | Looked | Refusal | None:
        """The answer to a question about a file; a refusal if its drive is silent, None if the process is gone."""
        now = asyncio.get_running_loop().time()
        folder = str(Path(path).parent)
        hung = self._hung.get(folder) or deque[float]()
        if len(hung) == MAX_HANGS_PER_FOLDER and now - hung[0] < self._answer_seconds:
            return _no_answer(path)
        token = next(self._tokens)
        answer: asyncio.Future[Inspected | Looked | None] = asyncio.get_running_loop().create_future()
        self._answers[token] = answer
        self._child.send(question(token))
        try:
            answered_in_time, _ = await asyncio.wait({answer}, timeout=max(0.0, deadline - now))
        finally:
            del self._answers[token]
        if answer in answered_in_time:
            self._hung.pop(folder, None)
            return answer.result()
        self._hung.setdefault(folder, deque(maxlen=MAX_HANGS_PER_FOLDER)).append(deadline)
        self._hanging.add(token)
        if len(self._hanging) >= MAX_INSPECTIONS:
            self._replace()
        return _no_answer(path)

    def _new_child(self) -> Child[InspectorCommand, InspectorReport]:
        return Child(
            self._module,
            InspectorReport,
            first=lambda: self._settings,
            on_report=self._on_report,
            on_exit=self._on_exit,
            environment={"OPENBLAS_NUM_THREADS": "1"},  # it computes nothing
        )

    def _on_report(self, report: InspectorReport) -> None:
        match report:
            case InspectorReady():
                self._up.set()
            case Inspected(token=token) | Looked(token=token):
                self._hanging.discard(token)
                if (answer := self._answers.get(token)) is not None and not answer.done():
                    answer.set_result(report)

    def _on_exit(self, _: str) -> None:
        self._accept_pending()

    def _accept_pending(self) -> None:
        self._up.clear()
        self._hanging.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)

    def _replace(self) -> None:
        """Replaces a process with too many hanging inspections."""
        log.warning("the inspector hangs with %d files; replacing it", len(self._hanging))
        self._accept_pending()
        old, self._child = self._child, self._new_child()
        self._in_background(old.close(grace_seconds=0.0))
        self._in_background(self._start_until_up())

    async def _start_until_up(self) -> None:
        while True:
            try:
                return await self._child.start()
            except OSError as error:  # no process or memory available at the moment
                log.warning("the inspector cannot be started: %s", error)
                await asyncio.sleep(RESTART_SECONDS)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until(deadline: float, awaitable: Awaitable[object]) -> None:
    """Awaits until `deadline` (event loop clock). Raises asyncio.TimeoutError after it."""
    await within(awaitable, max(0.0, deadline - asyncio.get_running_loop().time()))


def _no_answer(path: str) -> Refusal:
    error = unresponsive_drive(path)
    return Refusal(code=error.code, message=error.message, advice=error.advice)
