"""The main process's side: starts a child, reads its reports, restarts it when it dies, and ends it cleanly."""

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

from bridge.processes.frames import HEADER, frame, payload_length
from bridge.processes.log_lines import read_log_line
from bridge.system.own_program import own_program
from bridge.system.waiting import within
from bridge.value import Value

log = logging.getLogger(__name__)

Command = TypeVar("Command")
Report = TypeVar("Report")
T = TypeVar("T")

#: A child that has sent not even a heartbeat for this long hangs. Loading a model may block the interpreter for
#: seconds.
HEARTBEAT_TIMEOUT_SECONDS = 30.0
#: Until its first report: it may load libraries from a cold disk, or wait for a slow audio server.
START_SECONDS = 120.0
RESTART_SECONDS = (0.0, 0.5, 2.0, 10.0)
#: Between the closing of its pipe and its exit. Killing it at once would race with asyncio's own reaping of the child.
EXIT_SECONDS = 1.0
LAST_LINES = 20


class Child(Generic[Command, Report]):
    """Runs `python -m module` and keeps it running.

    `first` makes the first message, which the child gets after each start, before every command: its settings.
    `on_report` receives each of its reports. `on_exit` is called whenever it ends unexpectedly, before it is restarted,
    with the last line that it wrote to standard error. All run on the event loop. Commands sent while the child is down
    are dropped: `on_exit` decides what to send again.
    """

    def __init__(
        self,
        module: str,
        reports: Any,  # the type form of Report: a union of tagged structs
        *,
        first: Callable[[], Value],
        on_report: Callable[[Report], None],
        on_exit: Callable[[str], None],
        environment: Mapping[str, str] | None = None,
        heartbeat_timeout_seconds: float = HEARTBEAT_TIMEOUT_SECONDS,
    ) -> None:
        self._module = module
        self._log = logging.getLogger(module)
        self._decode: Callable[[bytes], Report] = msgspec.msgpack.Decoder(reports).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._first = first
        self._on_report = on_report
        self._on_exit = on_exit
        self._environment = dict(environment or {})
        self._heartbeat_timeout_seconds = heartbeat_timeout_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = False
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)

    @property
    def pid(self) -> int | None:
        """The running child's process id; None if it is not running."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Starts the child; returns as soon as the process exists, before it is ready."""
        self._ending = False
        await self._spawn()
        self._task = asyncio.create_task(self._keep_running(), name=f"child {self._module}")

    def send(self, command: Command) -> None:
        """Sends one command; drops it if the child is down."""
        self._write(command)

    def _write(self, message: Command | Value) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return
        with contextlib.suppress(ConnectionError, RuntimeError):
            process.stdin.write(frame(self._encode(message)))

    def kill(self) -> None:
        """Kills the child; it will be restarted."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def close(self, grace_seconds: float = 5.0) -> None:
        """Closes the child's pipe, which makes it exit; kills it if it has not exited in time."""
        self._ending = True
        process = self._process
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await within(process.wait(), grace_seconds)
            except asyncio.TimeoutError:
                self.kill()
                with contextlib.suppress(
                    asyncio.TimeoutError
                ):  # blocked on a hanging drive, even a killed process stays
                    await within(process.wait(), EXIT_SECONDS)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _spawn(self) -> None:
        self._last_lines.clear()
        # Its own process group: Ctrl-C in the terminal reaches only the main process, which ends its children in order.
        own_group: dict[str, object] = (
            {"creationflags": 0x200} if sys.platform == "win32" else {"start_new_session": True}
        )
        self._process = await asyncio.create_subprocess_exec(
            *own_program(self._module),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._environment},
            **own_group,  # type: ignore[arg-type]
        )
        self._write(self._first())

    async def _keep_running(self) -> None:
        failures = 0
        while True:
            process = self._process
            assert process is not None and process.stdout is not None and process.stderr is not None
            errors = asyncio.create_task(self._read_stderr(process.stderr))
            received = await self._read_reports(process.stdout)
            status = await self._end_of(process)
            await asyncio.wait({errors}, timeout=EXIT_SECONDS)  # a process started by the child may keep the pipe open
            errors.cancel()
            if self._ending:
                return
            failures = 0 if received else failures + 1
            reason = self._exit_reason(status)
            self._log.warning("the process has ended, and starts again: %s", reason)
            self._call_safely(self._on_exit, reason)
            await asyncio.sleep(RESTART_SECONDS[min(failures, len(RESTART_SECONDS) - 1)])
            await self._respawn()

    async def _respawn(self) -> None:
        while True:
            try:
                return await self._spawn()
            except OSError:  # no processes or no memory available at the moment
                log.exception("%s cannot be started", self._module)
                await asyncio.sleep(RESTART_SECONDS[-1])

    def _call_safely(self, callback: Callable[[T], None], value: T) -> None:
        """An error in a callback must not stop the supervision of the child."""
        try:
            callback(value)
        except Exception:
            log.exception("%s: a callback failed", self._module)

    async def _end_of(self, process: asyncio.subprocess.Process) -> int:
        """The exit status of a child whose pipe has closed, so it should be exiting by itself."""
        try:
            return await within(process.wait(), EXIT_SECONDS)
        except asyncio.TimeoutError:
            self.kill()
            return await process.wait()

    async def _read_reports(self, stream: asyncio.StreamReader) -> bool:
        """Reads until the pipe closes, breaks or times out; True if there was at least one report."""
        received = False
        while True:
            try:
                timeout = (
                    self._heartbeat_timeout_seconds if received else max(self._heartbeat_timeout_seconds, START_SECONDS)
                )
                header = await within(stream.readexactly(HEADER.size), timeout)
                size = payload_length(header)
                report = self._decode(await stream.readexactly(size)) if size else None
            except (asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError, msgspec.MsgspecError):
                return received
            if report is not None:
                received = True
                self._call_safely(self._on_report, report)

    async def _read_stderr(self, stream: asyncio.StreamReader) -> None:
        while line := await _line(stream):
            record = read_log_line(line)
            self._last_lines.append(record.message)
            self._log.log(record.level, "%s", record.message, extra={"trace": record.trace})

    def _exit_reason(self, status: int) -> str:
        if self._last_lines:
            return self._last_lines[-1]
        if status < 0:
            with contextlib.suppress(ValueError):  # a signal without a name
                return f"ended by {signal.Signals(-status).name}"
            return f"ended by signal {-status}"
        return f"ended with status {status}"


async def _line(stream: asyncio.StreamReader) -> str:
    """The next line that is not blank; empty at the end. A line too long for the buffer is skipped, never an error."""
    while True:
        try:
            raw = await stream.readline()
        except ValueError:
            continue
        if not raw or raw.strip():
            return raw.decode("utf-8", "replace").strip()
