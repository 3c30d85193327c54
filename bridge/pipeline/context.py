"""What all jobs of a worker share, and the `Control` of one job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.control import StoppableControl
from bridge.events import JobEvent, Warned
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
    previews: Path | None = None
    """Where the stems of jobs that play live lie while they grow; None: nowhere."""
    recent_notes: RecentNotes = field(default_factory=RecentNotes)


@dataclass(frozen=True)
class JobControl(StoppableControl):
    """Reports the progress and the warnings of one job; its work ends once its event is set."""

    progress: JobProgress = field(kw_only=True)

    @classmethod
    def of(
        cls, job: str, progress: JobProgress, emit: Callable[[JobEvent], None], cancelled: threading.Event
    ) -> JobControl:
        return cls(
            cancelled, progress.advance, lambda warning: emit(Warned(job=job, warning=warning)), progress=progress
        )
