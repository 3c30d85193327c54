"""The bridge's side of the pipe: screens are told everything, and the bridge waits for none of them."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from bridge import __version__
from bridge.errors import BadArguments, BridgeError, Busy, Cancelled, InternalError, NotAllowed, TooManyClients
from bridge.events import Event
from bridge.groups.group import Group
from bridge.model import Job
from bridge.pipe.doorway import Admit, hang_up, opened_doorway
from bridge.pipe.messages import (
    CANCELLED,
    MAX_ASK_BYTES,
    PIPE_PROTOCOL,
    Answered,
    Ask,
    AskToQuit,
    Facts,
    FromBridge,
    Goodbye,
    Hello,
    HelloReply,
    KnownJobs,
    Ready,
    Refused,
    ToBridge,
    Told,
    Watched,
    WatchStream,
    Withdraw,
    framed,
    raw,
    read_ask,
    read_raw,
)
from bridge.pipe.methods import METHODS, STREAMS
from bridge.processes.frames import HEADER, payload_length
from bridge.protocols import Bridge
from bridge.request import JobRequest
from bridge.system.waiting import within

log = logging.getLogger(__name__)

MAX_SCREENS = 16
#: A screen that leaves more than this unread has stopped, and is let go.
MAX_UNREAD_BYTES = 16 * 1024 * 1024
#: How many questions of one screen may wait for their answers.
MAX_PENDING_ASKS = 64
HELLO_SECONDS = 5.0
#: How long the last words to the screens may take.
GOODBYE_SECONDS = 0.5
JOBS_IN_A_FRAME = 200


class ScreenServer:
    """Serves a bridge to screens; made by `serve_screens`."""

    def __init__(
        self,
        bridge: Bridge,
        *,
        address: str,
        http_address: str,
        defaults: JobRequest,
        on_quit: Callable[[], object],
    ) -> None:
        self.bridge = bridge
        self.on_quit = on_quit
        self._address = address
        self._http_address = http_address
        self._defaults = defaults
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()

    @property
    def screens(self) -> int:
        return sum(connection.is_screen for connection in self._connections)

    def facts(self) -> Facts:
        return Facts(
            address=self._address,
            http_address=self._http_address,
            defaults=self._defaults,
            keeps_jobs=self.bridge.keeps_jobs,
            process=os.getpid(),
            screens=self.screens,
            status=self.bridge.status(),
        )

    async def on_connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, admit: Admit) -> None:
        """Serves one connection until it ends."""
        task = asyncio.current_task()
        assert task is not None
        connection = Connection(self, reader, writer)
        self._tasks.add(task)
        self._connections.add(connection)
        try:
            await admit()
            await connection.serve(is_one_too_many=len(self._connections) > MAX_SCREENS)
        except (NotAllowed, asyncio.IncompleteReadError, asyncio.TimeoutError, OSError):
            pass  # it is of another account, has gone, or says nothing
        except (msgspec.MsgspecError, ValueError) as error:
            log.warning("a screen is let go, because it says what no screen says: %s", error)
        finally:
            self._connections.discard(connection)
            await connection.close()
            self._tasks.discard(task)

    def answer_later(self, answer: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Answers a question, also where its screen has gone: what was asked is done."""
        task = asyncio.create_task(answer)
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        return task

    async def close(self) -> None:
        """Says goodbye, and ends all connections."""
        for connection in tuple(self._connections):
            connection.say_goodbye()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GOODBYE_SECONDS)
            for task in (*late, *self._answers):
                task.cancel()
            await asyncio.gather(*late, *self._answers, return_exceptions=True)


@asynccontextmanager
async def serve_screens(server: ScreenServer, folder: Path, on_failure: Callable[[str], object]) -> AsyncIterator[None]:
    """Lets screens of this account in through `folder` while the block runs.

    The bridge works without them: where no socket can be opened, `on_failure` is called with the reason.
    """
    async with AsyncExitStack() as parts:
        parts.push_async_callback(server.close)  # after the doorway: who has heard goodbye may look for the next bridge
        try:
            await parts.enter_async_context(opened_doorway(folder, server.on_connected))
        except OSError as error:
            on_failure(error.strerror or str(error))
        yield


class Connection:
    """One screen, or one program with a question."""

    def __init__(self, server: ScreenServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._has_more = asyncio.Event()
        self._ends = False
        self._unanswered: dict[int, asyncio.Task[None]] = {}
        self._watched: dict[str, Callable[[], object]] = {}
        self.is_screen = False

    async def serve(self, *, is_one_too_many: bool) -> None:
        """Returns when the conversation is over.

        Raises:
            IncompleteReadError, TimeoutError, OSError: the other side has gone, or says nothing.
            MsgspecError, ValueError: what it says is no message.
        """
        hello = read_ask(await within(self._read(), HELLO_SECONDS))
        if not isinstance(hello, Hello):
            raise ValueError("it does not begin with a hello")
        bridge = self._server.bridge
        self._writer.write(
            framed(HelloReply(version=__version__, protocol=PIPE_PROTOCOL, facts=raw(self._server.facts())))
        )
        if is_one_too_many:
            self._refuse(0, TooManyClients(f"{MAX_SCREENS} screens are attached to this bridge already."))
        self._ends = is_one_too_many or (hello.version, hello.protocol) != (__version__, PIPE_PROTOCOL)
        self.is_screen = hello.is_screen and not self._ends
        jobs: tuple[Job, ...] = ()
        groups: tuple[Group, ...] = ()
        unsubscribe: Callable[[], object] = bool
        if self.is_screen:  # known at this moment; each later event follows
            jobs, groups = bridge.jobs(), tuple(group for group in bridge.groups() if not group.is_over)
            unsubscribe = bridge.subscribe(self._tell)
        tasks = (asyncio.create_task(self._send_all(jobs, groups)), asyncio.create_task(self._read_all()))
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for end in (unsubscribe, *self._watched.values()):
                end()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def say_goodbye(self) -> None:
        """The last words; the conversation is over when they are sent."""
        self._put(Goodbye())
        self._ends = True

    async def close(self) -> None:
        """What was asked is done all the same; its answer is dropped."""
        self._ends = True
        await hang_up(self._writer, at_once=bool(self._waiting))

    # What the screen says

    async def _read_all(self) -> None:
        while True:
            self._on_message(read_ask(await self._read()))

    async def _read(self) -> bytes:
        size = payload_length(await self._reader.readexactly(HEADER.size))
        if not 0 < size <= MAX_ASK_BYTES:
            raise ValueError(f"a message of {size} bytes")
        return await self._reader.readexactly(size)

    def _on_message(self, message: ToBridge) -> None:
        match message:
            case Ask() if len(self._unanswered) >= MAX_PENDING_ASKS or message.number in self._unanswered:
                words = f"{len(self._unanswered)} questions of this screen are not answered yet."
                self._refuse(message.number, Busy(words))
            case Ask(number=number):
                self._unanswered[number] = task = self._server.answer_later(self._answer(message))
                task.add_done_callback(lambda _: self._unanswered.pop(number, None))
            case Withdraw(number=number) if number in self._unanswered:
                self._unanswered[number].cancel()
            case WatchStream(stream=stream, is_on=is_on) if stream in STREAMS:
                self._watch(stream, is_on=is_on)
            case AskToQuit():
                self._server.on_quit()
            case Hello():
                raise ValueError("it says hello twice")

    async def _answer(self, ask: Ask) -> None:
        try:
            result = call(self._server.bridge, ask)
            self._put(Answered(number=ask.number, result=raw(await result if inspect.isawaitable(result) else result)))
        except BridgeError as error:
            self._refuse(ask.number, error)
        except UnicodeEncodeError as error:
            words = f"A name in the answer is not in UTF-8: {error.object!r}."
            self._refuse(ask.number, BadArguments(words, advice="Rename the file first."))
        except Cancelled:
            self._put(Refused(number=ask.number, code=CANCELLED, message="", advice=""))
        except Exception as error:
            log.exception("a screen's question failed")
            self._refuse(ask.number, InternalError(f"{type(error).__name__}: {error}"))

    # What the screen is told

    def _watch(self, stream: str, *, is_on: bool) -> None:
        if not is_on:
            self._watched.pop(stream, bool)()
        elif stream not in self._watched:
            watch: Callable[[Callable[[object], None]], Callable[[], object]] = getattr(self._server.bridge, stream)
            self._watched[stream] = watch(lambda value: self._put(Watched(stream=stream, value=raw(value))))

    def _tell(self, event: Event) -> None:
        self._put(Told(event=event))

    def _refuse(self, number: int, error: BridgeError) -> None:
        self._put(Refused(number=number, code=error.code, message=error.message, advice=error.advice))

    def _put(self, message: FromBridge) -> None:
        if self._ends:
            return
        payload = framed(message)
        if self._waiting and self._waiting_bytes + len(payload) > MAX_UNREAD_BYTES:
            log.warning("a screen is let go, because it does not read what it is told")
            self._ends = True
            self._writer.transport.abort()
            return
        self._waiting.append(payload)
        self._waiting_bytes += len(payload)
        self._has_more.set()

    async def _send_all(self, jobs: Sequence[Job], groups: tuple[Group, ...]) -> None:
        if self.is_screen:
            for start in range(0, len(jobs), JOBS_IN_A_FRAME):
                await self._send(framed(KnownJobs(jobs=tuple(jobs[start : start + JOBS_IN_A_FRAME]))))
                await asyncio.sleep(0)  # the bridge does other things, too
            await self._send(framed(Ready(groups=groups)))
        while True:
            while self._waiting:
                payload = self._waiting.popleft()
                self._waiting_bytes -= len(payload)
                await self._send(payload)
            if self._ends:
                return
            self._has_more.clear()
            await self._has_more.wait()

    async def _send(self, payload: bytes) -> None:
        self._writer.write(payload)
        await self._writer.drain()


def call(bridge: Bridge, ask: Ask) -> Any:
    """What the method returns: its result, or an awaitable of it.

    Raises:
        BadArguments: there is no such method, or these are no arguments for it.
    """
    method = METHODS.get(ask.method)
    if method is None:
        raise BadArguments(f"No screen may ask for {ask.method}.")
    try:
        arguments = read_raw(ask.arguments, method.arguments)
    except msgspec.MsgspecError as error:
        raise BadArguments(f"These are no arguments of {ask.method}: {error}.") from error
    return method.of(bridge)(*arguments)
