"""The main process' view of the inspector: a request goes in, and what speaks against it comes out, soon or never."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.config import Settings
from bridge.errors import NotReadable, error_for
from bridge.inspector.messages import (
    Inspect,
    Inspected,
    InspectorCommand,
    InspectorReady,
    InspectorReport,
    Limits,
    Refusal,
)
from bridge.model import JobRequest
from bridge.processes.child import Child

log = logging.getLogger(__name__)

#: Longer than a drive that sleeps needs to turn. Nobody waits longer, whatever the reason.
ANSWER_SECONDS = 10.0
#: Looks at a time, and those of one sender among them; and looks that hang before the process is given up with them.
MOST_LOOKS, MOST_OF_ONE = 8, 2
#: So many files of one folder that hang, and the others there are not waited for.
DEAD_FOLDER = 2
#: Where the process cannot even be started.
RESTART_SECONDS = 10.0


class InspectorClient:
    """Implements `protocols.Inspector` with a process of its own, which may hang or crash without harm.

    What cannot be looked at, because the inspector is down or others have all its places, is taken unseen: the worker
    has the last word anyway.
    """

    def __init__(
        self, settings: Settings, *, module: str = "bridge.inspector", answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._limits = Limits(max_seconds=settings.max_minutes * 60, roots=tuple(map(str, settings.roots)))
        self._module = module
        self._answer_seconds = answer_seconds
        self._tokens = itertools.count()
        self._looks: dict[int, asyncio.Future[Refusal | None]] = {}
        self._hanging: set[int] = set()
        self._looking: Counter[str] = Counter()
        """How many looks each sender has on their way."""
        self._room = asyncio.Condition()
        self._hung: dict[str, deque[float]] = {}
        """By folder, when a file of it last did not answer in time."""
        self._up = asyncio.Event()
        self._child = self._made()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Starts the process; returns before it can look."""
        await self._child.start()

    async def close(self) -> None:
        """Ends the process; whoever waits for a look is let through."""
        self._let_through()
        await self._child.close(grace_seconds=0.5)
        for task in self._tasks:  # a process that hangs in the system's hands cannot be waited for
            task.cancel()

    @property
    def pid(self) -> int | None:
        return self._child.pid

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        """See `protocols.Inspector`."""
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        try:
            async with self._place(sender, deadline):
                await _until(deadline, self._up.wait())
                refusal = await self._refusal(request, deadline)
        except asyncio.TimeoutError:
            return
        if refusal is not None:
            raise error_for(refusal.code, refusal.message, refusal.advice)

    @asynccontextmanager
    async def _place(self, sender: str, deadline: float) -> AsyncIterator[None]:
        """A place among those who look. Raises asyncio.TimeoutError: there is none in time."""

        def is_free() -> bool:
            return self._looking.total() < MOST_LOOKS and self._looking[sender] < MOST_OF_ONE

        async with self._room:
            await _until(deadline, self._room.wait_for(is_free))
            self._looking[sender] += 1
        try:
            yield
        finally:
            self._looking -= Counter([sender])
            async with self._room:
                self._room.notify_all()

    async def _refusal(self, request: JobRequest, deadline: float) -> Refusal | None:
        now = asyncio.get_running_loop().time()
        folder = str(Path(request.source).parent)
        hung = self._hung.get(folder) or deque[float]()
        if len(hung) == DEAD_FOLDER and now - hung[0] < self._answer_seconds:
            return _no_answer(request)
        token = next(self._tokens)
        look: asyncio.Future[Refusal | None] = asyncio.get_running_loop().create_future()
        self._looks[token] = look
        self._child.send(Inspect(token=token, request=request))
        try:
            answered, _ = await asyncio.wait({look}, timeout=max(0.0, deadline - now))
        finally:
            del self._looks[token]
        if look in answered:
            self._hung.pop(folder, None)
            return look.result()
        self._hung.setdefault(folder, deque(maxlen=DEAD_FOLDER)).append(deadline)
        self._hanging.add(token)
        if len(self._hanging) >= MOST_LOOKS:
            self._replace()
        return _no_answer(request)

    def _made(self) -> Child[InspectorCommand, InspectorReport]:
        return Child(
            self._module,
            InspectorReport,
            on_report=self._heard,
            on_exit=self._lost,
            on_start=lambda: self._child.send(self._limits),
            environment={"OPENBLAS_NUM_THREADS": "1"},  # it computes nothing
        )

    def _heard(self, report: InspectorReport) -> None:
        match report:
            case InspectorReady():
                self._up.set()
            case Inspected(token=token, refusal=refusal):
                self._hanging.discard(token)
                if (look := self._looks.get(token)) is not None and not look.done():
                    look.set_result(refusal)

    def _lost(self, last_words: str) -> None:
        log.warning("the inspector ended (%s); it starts anew", last_words)
        self._let_through()

    def _let_through(self) -> None:
        self._up.clear()
        self._hanging.clear()
        for look in self._looks.values():
            if not look.done():
                look.set_result(None)

    def _replace(self) -> None:
        """So many looks hang that the process is given up; a new one is there for the next."""
        log.warning("the inspector hangs with %d files; it starts anew", len(self._hanging))
        self._let_through()
        old, self._child = self._child, self._made()
        self._in_background(old.close(grace_seconds=0.0))
        self._in_background(self._started())

    async def _started(self) -> None:
        while True:
            try:
                return await self._child.start()
            except OSError as error:  # no process or no memory to be had just now
                log.warning("the inspector cannot be started: %s", error)
                await asyncio.sleep(RESTART_SECONDS)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until(deadline: float, happens: Awaitable[object]) -> None:
    """Raises asyncio.TimeoutError: it has not happened in time."""
    await asyncio.wait_for(happens, max(0.0, deadline - asyncio.get_running_loop().time()))


def _no_answer(request: JobRequest) -> Refusal:
    error = NotReadable(
        f"The drive or server that {request.source} lies on does not answer.",
        advice="Look whether it is connected, or copy the clip to another one.",
    )
    return Refusal(code=error.code, message=error.message, advice=error.advice)
