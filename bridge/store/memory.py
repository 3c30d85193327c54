"""The job store of one run: gone when the process ends."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.events import JobEvent
from bridge.lifecycle import apply
from bridge.model import Job


class MemoryStore:
    """Folds events into jobs as they come."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._history: dict[str, list[JobEvent]] = {}

    def append(self, event: JobEvent) -> Job:
        job = apply(self._jobs.get(event.job), event)
        self._jobs[event.job] = job
        self._history.setdefault(event.job, []).append(event)
        return job

    def get(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def history(self, job: str) -> Iterable[JobEvent]:
        return tuple(self._history.get(job, ()))
