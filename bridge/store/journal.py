"""The job store that survives: one file of JSON lines for each job, one line for each event.

A bug report is such a file: `lifecycle.fold` brings the job back from it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.events import JobEvent, Progressed
from bridge.model import Job
from bridge.store.memory import KEPT_JOBS, MemoryStore

ENDING = ".jsonl"


class JournalStore:
    """Writes every event down before it counts, except progress, which is soon old."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._memory = MemoryStore()
        self._encode = msgspec.json.Encoder().encode
        folder.mkdir(parents=True, exist_ok=True)

    def append(self, event: JobEvent) -> Job:
        if not isinstance(event, Progressed):
            # A full or vanished disk costs the history, never the job.
            with contextlib.suppress(OSError), (self._folder / (event.job + ENDING)).open("ab") as file:
                file.write(self._encode(event) + b"\n")
        return self._memory.append(event)

    def get(self, job: str) -> Job | None:
        return self._memory.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return self._memory.jobs()

    def history(self, job: str) -> Iterable[JobEvent]:
        return self._memory.history(job)

    def load(self) -> None:
        """Remembers what an earlier run has written, and removes the oldest beyond `KEPT_JOBS`.

        Called once, by whoever alone may write here.
        """
        histories = [history for path in self._folder.glob(f"*{ENDING}") if (history := _read(path))]
        histories.sort(key=lambda history: getattr(history[0], "unix_seconds", 0.0))
        for history in histories[:-KEPT_JOBS]:
            with contextlib.suppress(OSError):
                (self._folder / (history[0].job + ENDING)).unlink(missing_ok=True)
        for history in histories[-KEPT_JOBS:]:
            for event in history:
                with contextlib.suppress(ValueError):  # a line that belongs to no job here
                    self._memory.append(event)


def _read(path: Path) -> list[JobEvent]:
    """The events of a file up to the first line that cannot be read: the last one may be half written."""
    decode = msgspec.json.Decoder(JobEvent).decode
    events: list[JobEvent] = []
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        for line in path.read_bytes().splitlines():
            events.append(decode(line))
    return events
