"""The job store of one run: gone when the process ends."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.events import JobEvent, Progressed, Submitted
from bridge.lifecycle import apply
from bridge.model import Job

#: How many jobs are remembered; then the oldest that are over are forgotten.
KEPT_JOBS = 200


class MemoryStore:
    """Folds events into jobs as they come."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._history: dict[str, list[JobEvent]] = {}

    def append(self, event: JobEvent) -> Job:
        job = apply(self._jobs.get(event.job), event)
        self._jobs[event.job] = job
        history = self._history.setdefault(event.job, [])
        if isinstance(event, Progressed) and history and isinstance(history[-1], Progressed):
            history.pop()  # the newer one says all
        history.append(event)
        if isinstance(event, Submitted):
            self._forget_old()
        return job

    def get(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def _forget_old(self) -> None:
        surplus = len(self._jobs) - KEPT_JOBS
        for old in [job.id for job in self._jobs.values() if job.is_over][: max(0, surplus)]:
            del self._jobs[old], self._history[old]

    def history(self, job: str) -> Iterable[JobEvent]:
        return tuple(self._history.get(job, ()))
