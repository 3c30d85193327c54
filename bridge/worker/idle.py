"""Time in which the worker has no job, put to use on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class IdleTime:
    """Does its works, one after the other, whenever there is nothing else to do.

    Each gets an event and has to return soon after that was set; a job never waits for it. One that fails is not the
    end of the others.
    """

    def __init__(self, *works: Callable[[threading.Event], None]) -> None:
        self._works = works
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """There is time from now on."""
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(self._stop, self._thread), name="idle time", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """There is something to do; returns at once."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Waits for the work to end, at most so long; True where it has."""
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self, stop: threading.Event, before: threading.Thread | None) -> None:
        if before is not None:
            before.join()
        for work in self._works:
            if stop.is_set():
                return
            try:
                work(stop)
            except Exception:  # nobody has asked for this work; the job that needs it will tell what is wrong
                log.warning("preparing for the next job failed", exc_info=True)
