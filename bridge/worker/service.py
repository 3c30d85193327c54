"""The worker's side of its commands: runs jobs one after another and translates every failure."""

from __future__ import annotations

import errno
import logging
import re
import threading
from collections.abc import Callable

from bridge.control import StoppableControl
from bridge.errors import BridgeError, Cancelled, EngineFailed, InternalError, NotWritable, OutOfMemory, OutOfSpace
from bridge.events import Ended, JobEvent, LiveNotes, Warned
from bridge.model import Failure
from bridge.pipeline.context import WorkerContext
from bridge.pipeline.job import run_job
from bridge.system.files import is_drive_full
from bridge.system.memory import is_out_of_memory
from bridge.worker.messages import (
    CancelJob,
    Fetched,
    Fetching,
    FetchModel,
    Happened,
    RunJob,
    WorkerCommand,
    WorkerReport,
)

log = logging.getLogger(__name__)

#: What the loaders of Linux, macOS and Windows say when a library does not fit into memory.
_NO_MEMORY = re.compile(
    "cannot allocate memory(?! in static)|failed to map segment|not enough memory|paging file", re.IGNORECASE
)


class Worker:
    """Executes commands with one `WorkerContext`.

    `interrupt` and `abandon` may be called on any thread while `execute` runs; `execute` runs on the main thread.
    """

    def __init__(self, context: WorkerContext, send: Callable[[WorkerReport], None]) -> None:
        self._context = context
        self._send = send
        self._cancellations: dict[str, threading.Event] = {}
        self._abandoned = False
        self._lock = threading.Lock()

    def interrupt(self, command: WorkerCommand) -> bool:
        """Handles a cancellation at once, ahead of the queue; returns True if `command` needs nothing more."""
        if not isinstance(command, CancelJob):
            return False
        self._cancellation(command.job).set()
        return True

    def abandon(self) -> None:
        """Cancels the running job and every later one, because the main process is gone."""
        with self._lock:
            self._abandoned = True
            for cancellation in self._cancellations.values():
                cancellation.set()

    def execute(self, command: WorkerCommand) -> None:
        """Executes one command; returns when it is done."""
        match command:
            case RunJob():
                self._run(command)
            case FetchModel():
                self._fetch(command)
            case _:
                log.warning("unexpected command %s", type(command).__name__)

    def _run(self, command: RunJob) -> None:
        job = command.job

        def emit(event: JobEvent | LiveNotes) -> None:
            self._send(event if isinstance(event, LiveNotes) else Happened(event=event))

        try:
            run_job(job, command.request, self._context, emit, self._cancellation(job))
            outcome, failure = "done", None
        except Cancelled:
            outcome, failure = "cancelled", None
        except Exception as error:
            outcome, failure = "failed", failure_of(error, f"job {job}")
        finally:
            self._forget(job)
        now = self._context.clock.unix_seconds()
        emit(Ended(job=job, outcome=outcome, unix_seconds=now, failure=failure))  # type: ignore[arg-type]

    def _fetch(self, command: FetchModel) -> None:
        token, send = command.token, self._send
        control = StoppableControl(
            self._cancellation(token),
            lambda fraction: send(Fetching(token=token, fraction=fraction)),
            lambda warning: send(Happened(event=Warned(job=token, warning=warning))),
        )
        failure = None
        try:
            self._context.engines.pull(command.name, control)
        except Cancelled:
            failure = Failure(code="cancelled", message="The download was cancelled.")
        except Exception as error:
            failure = failure_of(error, f"the download of {command.name}")
        finally:
            self._forget(token)
        send(Fetched(token=token, failure=failure))

    def _cancellation(self, job: str) -> threading.Event:
        with self._lock:
            cancellation = self._cancellations.setdefault(job, threading.Event())
            if self._abandoned:
                cancellation.set()
            return cancellation

    def _forget(self, job: str) -> None:
        with self._lock:
            self._cancellations.pop(job, None)


def failure_of(error: Exception, what: str) -> Failure:
    """The failure to show for an exception of `what`; unexpected ones are logged with their traceback."""
    problem = _translated(error)
    if problem.code == "internal":
        log.error("%s failed unexpectedly", what, exc_info=error)
    return Failure(code=problem.code, message=str(problem))


def _translated(error: Exception) -> BridgeError:
    match error:
        case BridgeError():
            return error
        case _ if is_out_of_memory(error):
            return OutOfMemory("There is not enough memory for this job.")
        case OSError() if error.errno == errno.ENOMEM:
            return OutOfMemory("There is not enough memory for this job.")
        case ImportError() if _NO_MEMORY.search(str(error)):
            return OutOfMemory(f"There is not enough memory to load {error.name or 'a library'}.")
        case ImportError():
            return EngineFailed(
                f"A library of the bridge cannot be loaded ({error}).",
                advice="Install the bridge again; `sab doctor` says what is missing.",
            )
        case OSError() if is_drive_full(error):
            return OutOfSpace("The drive is full.")
        case OSError(filename=str() as name):
            return NotWritable(f"{name}: {error.strerror or error}.")
        case _:
            return InternalError(f"An unexpected error occurred ({type(error).__name__}: {error}).")
