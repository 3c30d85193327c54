"""The events of one job: emitted, and folded into what its manifest and its `unfinished.json` record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.events import JobEvent, LiveNotes, Produced, Progressed, Started, Submitted, Warned
from bridge.lifecycle import fold
from bridge.model import Job, Result, Stage, Warning


class JobLog:
    """Emits a job's events, and holds them. Of the progress within a stage, it holds the last."""

    def __init__(self, submitted: Submitted, emit: Callable[[JobEvent | LiveNotes], None]) -> None:
        """`submitted` is the first event, which the scheduler has emitted."""
        self._events: list[JobEvent] = [submitted]
        self._emit = emit
        self._job = submitted.job

    @property
    def job(self) -> Job:
        """The job as its events tell it."""
        return fold(self._events)

    def warnings_in(self, stage: Stage) -> tuple[Warning, ...]:
        """The warnings that were reported during one stage."""
        warnings, current = [], "queued"
        for event in self._events:
            if isinstance(event, Progressed):
                current = event.stage
            elif isinstance(event, Warned) and current == stage:
                warnings.append(event.warning)
        return tuple(warnings)

    def report(self, event: JobEvent) -> None:
        """Emits one event."""
        match self._events[-1], event:
            case Progressed(stage=before), Progressed(stage=now) if before == now:
                self._events[-1] = event
            case _:
                self._events.append(event)
        self._emit(event)

    def pass_on(self, notes: LiveNotes) -> None:
        """Emits what can be played, which is no part of the job's history."""
        self._emit(notes)

    def started(self, folder: Path, engine: str, device: str, created: Sequence[Path] = ()) -> None:
        """Reports where the files go, the engine, and the folders that are made for the job, topmost first."""
        made = tuple(map(str, created))
        self.report(Started(job=self._job, engine=engine, device=device, output_dir=str(folder), created=made))

    def produced(self, result: Result) -> None:
        """Reports a complete file."""
        self.report(Produced(job=self._job, result=result))
