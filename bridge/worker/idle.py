"""Runs tasks on a separate thread while the worker has no job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class IdleTime:
    """Runs its tasks one after another while the worker is idle.

    Each task gets an event and must return soon after it is set; a job does not wait for it. If a task fails, the
    others still run.
    """

    def __init__(self, *tasks: Callable[[threading.Event], None]) -> None:
        self._tasks = tasks
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Starts the idle time."""
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop, self._thread), name="idle time", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Ends the idle time; returns at once."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Waits up to `seconds` for the tasks to end; returns whether they have."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, stop: threading.Event, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        for task in self._tasks:
            if stop.is_set():
                return
            try:
                task(stop)
            except Exception:  # nothing depends on it yet; the job that needs it will report the error
                log.warning("preparing for the next job failed", exc_info=True)
