"""The job store of one run: gone when the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.config import DEFAULT_HISTORY
from bridge.events import JobEvent, Progressed, Submitted
from bridge.lifecycle import apply
from bridge.model import Job


class MemoryStore:
    """Folds events into jobs as they come.

    Remembers about `limit` jobs: beyond it, the oldest that are over are forgotten, and `on_forgotten` is told how
    many. A job that is not over is never forgotten.
    """

    def __init__(self, limit: int = DEFAULT_HISTORY, on_forgotten: Callable[[int], None] = lambda _: None) -> None:
        self._limit = limit
        self._on_forgotten = on_forgotten
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

    def history(self, job: str) -> Iterable[JobEvent]:
        return tuple(self._history.get(job, ()))

    def _forget_old(self) -> None:
        surplus = len(self._jobs) - self._limit
        if surplus <= 0:
            return
        old = [job.id for job in self._jobs.values() if job.is_over][:surplus]
        for job in old:
            del self._jobs[job], self._history[job]
        if old:
            self._on_forgotten(len(old))
