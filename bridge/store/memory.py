"""The job store of one run, lost when the process ends."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from bridge.config import DEFAULT_HISTORY_LIMIT
from bridge.events import Ended, JobEvent, Progressed, Submitted
from bridge.lifecycle import apply
from bridge.model import Job


class MemoryStore:
    """Folds events into jobs as they arrive.

    It holds `limit` jobs that are over: when another one ends, the one that ended first is removed. A job that is not
    over is never removed.
    """

    outlives_process = False

    def __init__(self, limit: int = DEFAULT_HISTORY_LIMIT) -> None:
        self._limit = limit
        self._jobs: dict[str, Job] = {}
        self._history: dict[str, list[JobEvent]] = {}
        self._over: dict[str, None] = {}
        """Those that are over, in the order of their ends."""

    async def keep(self, event: Submitted) -> str:  # noqa: ARG002 - the seam's signature
        return ""

    async def written(self) -> None:
        """Nothing outlives the process."""

    def append(self, event: JobEvent) -> Job:
        job = apply(self._jobs.get(event.job), event)
        self._jobs[event.job] = job
        history = self._history.setdefault(event.job, [])
        if isinstance(event, Progressed) and history and isinstance(history[-1], Progressed):
            history.pop()  # the newer one replaces it
        history.append(event)
        if isinstance(event, Ended):
            self._end(job)
        return job

    def take(self, jobs: Iterable[Job | Iterable[JobEvent]], in_order_of_end: Iterable[str]) -> None:
        """Adds the jobs of earlier runs: those that are over as such, the others by their events."""
        for job in jobs:
            if isinstance(job, Job):
                self._jobs[job.id] = job
            else:
                for event in job:
                    self.append(event)
        self._over.update(dict.fromkeys(in_order_of_end))

    def get(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return tuple(job for job in self._jobs.values() if not job.is_removed)

    def history(self, job: str) -> Iterable[JobEvent]:
        return tuple(self._history.get(job, ()))

    def forget_history(self, job: str) -> None:
        """Forgets the events of a job, which stays as it is."""
        self._history.pop(job, None)

    def _end(self, job: Job) -> None:
        self._over.setdefault(job.id)
        surplus = max(0, len(self._over) - self._limit)
        for old in [*islice(self._over, surplus)]:
            del self._over[old], self._jobs[old]
            self._history.pop(old, None)
