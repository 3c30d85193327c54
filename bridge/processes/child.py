"""The main process' end: a child that is started, heard, restarted when it dies, and ended cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from bridge.processes.frames import HEAD, frame, length

log = logging.getLogger(__name__)

Command = TypeVar("Command")
Report = TypeVar("Report")
T = TypeVar("T")

#: A child that has not even sent a heartbeat for so long hangs. Loading a model may hold the interpreter for seconds.
SILENCE_SECONDS = 30.0
#: Until its first report: loading libraries on a cold disk, or an audio server that answers late.
START_SECONDS = 120.0
RESTART_SECONDS = (0.0, 0.5, 2.0, 10.0)
#: Between closing its pipe and being gone. Killing at once would race with asyncio's own reaping of the child.
EXIT_SECONDS = 1.0
LAST_LINES = 20


class Child(Generic[Command, Report]):
    """Runs `python -m module` and keeps it running.

    `on_report` gets each of its reports; `on_exit` is called once for every time it ended without being asked to,
    with the last line it wrote to standard error, before it is started again. `on_start` is called after each start,
    to send what every new child must know. All run on the event loop. Commands sent while it is down are dropped:
    `on_exit` is the place to decide what to send anew.
    """

    def __init__(
        self,
        module: str,
        reports: Any,  # the type form of Report: a union of tagged structs
        *,
        on_report: Callable[[Report], None],
        on_exit: Callable[[str], None],
        on_start: Callable[[], None] | None = None,
        environment: Mapping[str, str] | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._module = module
        self._decode: Callable[[bytes], Report] = msgspec.msgpack.Decoder(reports).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._on_report = on_report
        self._on_exit = on_exit
        self._on_start = on_start
        self._environment = dict(environment or {})
        self._silence_seconds = silence_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def pid(self) -> int | None:
        """The running child's process id; None while there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Starts the child; returns as soon as the process exists, not when it is ready."""
        self._ending = False
        await self._spawn()
        self._task = asyncio.create_task(self._keep_running(), name=f"child {self._module}")

    def send(self, command: Command) -> None:
        """Sends one command; dropped where the child is down."""
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        with contextlib.suppress(ConnectionError, RuntimeError):
            process.stdin.write(frame(self._encode(command)))

    def kill(self) -> None:
        """Ends the child at once, without a word; it will be started again."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Closes the child's pipe, which tells it to end; kills it when it has not ended in time."""
        self._ending = True
        process = self._process
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), grace_seconds)
            except asyncio.TimeoutError:
                self.kill()
                with contextlib.suppress(asyncio.TimeoutError):  # held by a drive that hangs, even a killed one stays
                    await asyncio.wait_for(process.wait(), EXIT_SECONDS)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _spawn(self) -> None:
        self._last_lines.clear()
        # A group of its own: Ctrl-C in the terminal is for the main process, which then ends its children in order.
        own_group: dict[str, object] = (
            {"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}
        )
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self._module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
            **own_group,  # type: ignore[arg-type]
        )
        if self._on_start is not None:
            self._on_start()

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            process = self._process
            assert process is not None and process.stdout is not None and process.stderr is not None
            errors = asyncio.create_task(self._read_errors(process.stderr))
            heard = await self._read_reports(process.stdout)
            status = await self._end_of(process)
            await asyncio.wait({errors}, timeout=EXIT_SECONDS)  # a child of its own may keep the pipe open
            errors.cancel()
            if self._ending:
                return
            failures = 0 if heard else failures + 1
            self._guarded(self._on_exit, self._last_words(status))
            await asyncio.sleep(RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)])
            await self._respawn()

    async def _respawn(self) -> None:
        while True:
            try:
                return await self._spawn()
            except OSError:  # no process or no memory to be had just now
                log.exception("%s cannot be started", self._module)
                await asyncio.sleep(RESTART_SECONDS[-1])

    def _guarded(self, callback: Callable[[T], None], value: T) -> None:
        """A fault in what listens must not end the watch over the child."""
        try:
            callback(value)
        except Exception:
            log.exception("%s: a callback failed", self._module)

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        """The status of a child whose pipe has closed, which should be ending by itself."""
        try:
            return await asyncio.wait_for(process.wait(), EXIT_SECONDS)
        except asyncio.TimeoutError:
            self.kill()
            return await process.wait()

    async def _read_reports(self, stream: asyncio.StreamReader) -> bool:
        """Reads until the child's pipe closes, breaks or falls silent; True where it ever said anything."""
        heard = False
        while True:
            try:
                patience = self._silence_seconds if heard else max(self._silence_seconds, START_SECONDS)
                head = await asyncio.wait_for(stream.readexactly(HEAD.size), patience)
                size = length(head)
                report = self._decode(await stream.readexactly(size)) if size else None
            except (asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError, msgspec.MsgspecError):
                return heard
            if report is not None:
                heard = True
                self._guarded(self._on_report, report)

    async def _read_errors(self, stream: asyncio.StreamReader) -> None:
        while line := await _line(stream):
            self._last_lines.append(line)
            log.info("%s: %s", self._module, line)

    def _last_words(self, status: int) -> str:
        if self._last_lines:
            return self._last_lines[-1]
        if status < 0:
            with contextlib.suppress(ValueError):  # a signal without a name
                return f"ended by {signal.Signals(-status).name}"
            return f"ended by signal {-status}"
        return f"ended with status {status}"


async def _line(stream: asyncio.StreamReader) -> str:
    """The next line that is not blank; empty at the end. A line too long for the buffer is cut, never an error."""
    while True:
        try:
            raw = await stream.readline()
        except ValueError:
            continue
        if not raw or raw.strip():
            return raw.decode("utf-8", "replace").strip()
