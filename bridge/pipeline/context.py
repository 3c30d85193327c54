"""What all jobs of a worker share, and the `Control` of one job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import Cancelled
from bridge.events import JobEvent, Warned
from bridge.model import Warning
from bridge.pipeline.cache.recent_notes import RecentNotes
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.stage_paces import StagePaces
from bridge.protocols import Clock, Engines, Transcribers


@dataclass(frozen=True)
class WorkerContext:
    """The engines, transcribers, cache and limits that all jobs of a worker share."""

    engines: Engines
    transcribers: Transcribers
    clock: Clock
    max_seconds: float
    paces: StagePaces
    roots: tuple[Path, ...] = ()
    cache: ResultsCache | None = None
    """None: nothing is cached, and every job does all its work."""
    recent_notes: RecentNotes = field(default_factory=RecentNotes)


@dataclass(frozen=True)
class JobControl:
    """Reports one job's progress and warnings, and raises `Cancelled` once the job is cancelled."""

    job: str
    progress: JobProgress
    emit: Callable[[JobEvent], None]
    cancelled: threading.Event

    def checkpoint(self, fraction: float) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        self.progress.advance(fraction)

    def warn(self, warning: Warning) -> None:
        self.emit(Warned(job=self.job, warning=warning))
