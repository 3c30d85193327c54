"""The job store of one run, lost when the process ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.config import DEFAULT_HISTORY_LIMIT
from bridge.events import JobEvent, Progressed, Submitted
from bridge.lifecycle import apply
from bridge.model import Job


class MemoryStore:
    """Folds events into jobs as they arrive.

    It holds about `limit` jobs: beyond that, the oldest finished jobs are removed, and `on_removed` is called with
    their number. An open job is never removed.
    """

    def __init__(self, limit: int = DEFAULT_HISTORY_LIMIT, on_removed: Callable[[int], None] = lambda _: None) -> None:
        self._limit = limit
        self._on_removed = on_removed
        self._jobs: dict[str, Job] = {}
        self._history: dict[str, list[JobEvent]] = {}

    def append(self, event: JobEvent) -> Job:
        job = apply(self._jobs.get(event.job), event)
        self._jobs[event.job] = job
        history = self._history.setdefault(event.job, [])
        if isinstance(event, Progressed) and history and isinstance(history[-1], Progressed):
            history.pop()  # the newer one replaces it
        history.append(event)
        if isinstance(event, Submitted):
            self._remove_old()
        return job

    def get(self, job: str) -> Job | None:
        return self._jobs.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs.values())

    def history(self, job: str) -> Iterable[JobEvent]:
        return tuple(self._history.get(job, ()))

    def _remove_old(self) -> None:
        surplus = len(self._jobs) - self._limit
        if surplus <= 0:
            return
        old = [job.id for job in self._jobs.values() if job.is_over][:surplus]
        for job in old:
            del self._jobs[job], self._history[job]
        if old:
            self._on_removed(len(old))
