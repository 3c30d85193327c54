"""The main process's client of the worker: sends one job at a time and passes on its events."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from bridge.config import Settings
from bridge.errors import error_for
from bridge.events import Ended, Event, JobEvent, LiveNotes, Noticed, WorkerChanged
from bridge.model import Failure
from bridge.processes.child import Child
from bridge.request import JobRequest
from bridge.worker import allocator
from bridge.worker.messages import (
    CancelJob,
    Fetched,
    Fetching,
    FetchModel,
    Happened,
    RunJob,
    WorkerCommand,
    WorkerReady,
    WorkerReport,
    WorkerSettings,
)

#: How long a cancelled job may go on before its worker is replaced: cancelling is over within 3 s, whatever the worker
#: does. Most windows of a model take less.
CANCEL_GRACE_SECONDS = 2.2
#: Time for a worker that is closed in the middle of a job to record its complete files (`pipeline.unfinished`).
SAVE_GRACE_SECONDS = 3.0


class WorkerClient:
    """Starts the worker and keeps it running.

    `on_event` gets every event of the running job, `on_live_notes` what can be played of it. `on_lost` is called when
    the worker has died, with its last line of output; its job is lost. `on_ready` is called each time a
    new worker can take a job.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        publish: Callable[[Event], None],
        on_event: Callable[[JobEvent], None],
        on_live_notes: Callable[[LiveNotes], None] = lambda _: None,
        on_lost: Callable[[str], None],
        on_ready: Callable[[], None],
        lock: Path | None = None,
        threads: int | None = None,
    ) -> None:
        """
        Args:
            lock: the file by which a worker knows whether one of an earlier run of this bridge still works.
            threads: how many its models may use at once, where the user has not said it; None: as many as cores.
        """
        self._publish = publish
        self._on_event = on_event
        self._on_live_notes = on_live_notes
        self._on_lost = on_lost
        self._on_ready = on_ready
        self._fetches: dict[str, tuple[Callable[[float], None], asyncio.Future[Failure | None]]] = {}
        self._replacement: asyncio.TimerHandle | None = None
        self._is_busy = False
        worker_settings = WorkerSettings(
            models_dir=str(settings.models_dir),
            max_seconds=settings.max_minutes * 60,
            cache_dir=str(settings.cache_dir),
            cache_max_bytes=settings.cache_max_bytes,
            roots=tuple(map(str, settings.roots)),
            trust_pickles=settings.trust_pickles,
            lock="" if lock is None else str(lock),
        )
        self._child: Child[WorkerCommand, WorkerReport] = Child(
            "bridge.worker",
            WorkerReport,
            first=lambda: worker_settings,
            on_report=self._on_report,
            on_exit=self._on_exit,
            environment={**allocator.environment(allocator.glibc_version()), **_threads(threads)},
        )

    async def start(self) -> None:
        """Starts the process; `on_ready` is called when it can work."""
        self._publish(WorkerChanged(state="starting"))
        await self._child.start()

    async def close(self) -> None:
        """Ends the process. A running job is abandoned, with a moment to record its complete files."""
        self._cancel_replacement()
        await self._child.close(grace_seconds=SAVE_GRACE_SECONDS if self._is_busy else 0.5)

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def run(self, job: str, request: JobRequest) -> None:
        """Sends a job to the worker, which must be free."""
        self._is_busy = True
        self._child.send(RunJob(job=job, request=request))
        self._publish(WorkerChanged(state="busy"))

    def cancel(self, job: str) -> None:
        """Asks the running job to stop; replaces the worker if it does not stop in time."""
        self._child.send(CancelJob(job=job))
        if self._replacement is None:
            self._replacement = asyncio.get_running_loop().call_later(CANCEL_GRACE_SECONDS, self._child.kill)

    async def fetch(self, name: str, on_progress: Callable[[float], None]) -> None:
        """Downloads a model's weights.

        Raises:
            BridgeError: they could not be downloaded; its code says why.
        """
        token = secrets.token_hex(4)
        future: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self._fetches[token] = (on_progress, future)
        self._child.send(FetchModel(token=token, name=name))
        try:
            failure = await future
        except asyncio.CancelledError:
            self._child.send(CancelJob(job=token))
            raise
        finally:
            self._fetches.pop(token, None)
        if failure is not None:
            raise error_for(failure.code, failure.message)

    def _on_report(self, report: WorkerReport) -> None:
        match report:
            case WorkerReady():
                self._publish(WorkerChanged(state="ready"))
                self._on_ready()
            case Happened(event=event):
                if isinstance(event, Ended):
                    self._is_busy = False
                    self._cancel_replacement()
                    self._publish(WorkerChanged(state="ready"))
                self._on_event(event)
            case LiveNotes():
                self._on_live_notes(report)
            case Fetching(token=token, fraction=fraction) if token in self._fetches:
                self._fetches[token][0](fraction)
            case Fetched(token=token, failure=failure) if token in self._fetches:
                self._fetches[token][1].set_result(failure)

    def _on_exit(self, reason: str) -> None:
        self._is_busy = False
        self._cancel_replacement()
        self._publish(WorkerChanged(state="down"))
        self._publish(Noticed(level="warning", message=f"The separation process ended ({reason}); restarting it."))
        for _, future in self._fetches.values():
            if not future.done():
                future.set_result(Failure(code="engine_failed", message=f"The download stopped ({reason})."))
        self._on_lost(reason)

    def _cancel_replacement(self) -> None:
        if self._replacement is not None:
            self._replacement.cancel()
            self._replacement = None


def _threads(count: int | None) -> dict[str, str]:
    """The environment of a worker whose models may use so many threads at once."""
    return {} if count is None else {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS") or str(count)}
