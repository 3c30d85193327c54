"""The persistent job store: one file of JSON lines per job (its journal), one line per event.

A journal is also what a bug report needs: `lifecycle.fold` rebuilds the job from it. The journal of an open job is in
the folder of the bridge that runs it. When the job is over, its journal moves to the history, which all bridges of a
user share.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.config import DEFAULT_HISTORY_LIMIT
from bridge.events import Ended, JobEvent, Noticed, Progressed, Submitted
from bridge.model import Job
from bridge.options.record import event_from_json, event_record
from bridge.store.memory import MemoryStore
from bridge.system.files import read_small, write_whole

ENDING = ".jsonl"
#: Suffix of a journal with lines that cannot be read.
DAMAGED = ".damaged"
#: Suffix of the repaired journal, until it replaces the damaged one.
REPAIRED = ".mended"


class JournalStore:
    """Writes every event to disk before applying it, except progress.

    Args:
        own: the folder for this bridge's open jobs.
        history: the folder for finished jobs, shared by all bridges.
        others: folders with journals of bridges on other ports, or of earlier versions.
        limit: the number of jobs listed. Files of other jobs stay where they are.
        notice: called with messages for the user: damaged files, jobs no longer listed, a full drive.

    Raises:
        OSError: the folders cannot be created.
    """

    def __init__(
        self,
        own: Path,
        history: Path,
        others: Iterable[Path] = (),
        *,
        limit: int = DEFAULT_HISTORY_LIMIT,
        notice: Callable[[Noticed], None] = lambda _: None,
    ) -> None:
        self._own = own
        self._history = history
        self._others = tuple(others)
        self._limit = limit
        self._notice = notice
        self._memory = MemoryStore(limit, self._report_unlisted)
        self._has_reported_limit = self._has_reported_disk = False
        for folder in (own, history):
            folder.mkdir(parents=True, exist_ok=True)

    def append(self, event: JobEvent) -> Job:
        known = self._memory.get(event.job)
        if not isinstance(event, Progressed) and not (known is not None and known.is_over):
            self._write(event)
        return self._memory.append(event)

    def get(self, job: str) -> Job | None:
        return self._memory.get(job)

    def jobs(self) -> tuple[Job, ...]:
        return self._memory.jobs()

    def history(self, job: str) -> Iterable[JobEvent]:
        return self._memory.history(job)

    def load(self) -> None:
        """Reads the journals of earlier runs, the newest `limit` jobs.

        Call it once, and only as the one process that may write to the bridge's own folder. Finished journals of other
        ports move to the history; open ones may belong to a running bridge and stay.
        """
        damaged: list[Path] = []
        for path in itertools.chain.from_iterable(map(_journals, self._others)):
            if _is_over(_read_journal(path).events):
                self._archive(path)
        own = [self._read(path, damaged) for path in _journals(self._own)]
        newest = sorted(_journals(self._history), key=_changed_unix, reverse=True)
        room = max(0, self._limit - len(own))
        past = [self._read(path, damaged) for path in newest[:room]]
        for events in sorted(filter(None, [*past, *own]), key=_submitted_unix):
            for event in events:
                with contextlib.suppress(ValueError):  # its first line is lost
                    self._memory.append(event)
        for events in filter(None, own):
            if _is_over(events):  # it could not be moved when the job ended
                self._archive(self._own / (events[0].job + ENDING))
        if len(newest) > room:
            self._report_unlisted(len(newest) - room)
        if damaged:
            self._report_damage(damaged)

    def _write(self, event: JobEvent) -> None:
        path = self._own / (event.job + ENDING)
        try:
            _append_line(path, msgspec.json.encode(event_record(event)))
        except OSError as error:  # a full or missing drive must not fail the job
            if not self._has_reported_disk:
                self._has_reported_disk = True
                message = f"The history of jobs cannot be written to {self._own} ({error.strerror}); jobs go on."
                self._notice(Noticed(level="warning", message=message))
            return
        self._has_reported_disk = False
        if isinstance(event, Ended):
            self._archive(path)

    def _archive(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # it is tried again at the next start
            path.replace(self._history / path.name)

    def _read(self, path: Path, damaged: list[Path]) -> list[JobEvent]:
        """The events of a journal. A damaged one is renamed, and its readable lines are written in its place."""
        found = _read_journal(path)
        if found.is_damaged:
            damaged_path = path.with_name(path.name + DAMAGED)
            repaired = path.with_name(path.name + REPAIRED)
            with contextlib.suppress(
                OSError
            ):  # on a full drive all files stay as they are, to be repaired another time
                lines = (msgspec.json.encode(event_record(event)) + b"\n" for event in found.events)
                write_whole(repaired, b"".join(lines))
                path.replace(damaged_path)
                damaged.append(damaged_path)
                if found.events:
                    repaired.replace(path)
                else:
                    repaired.unlink()
        return found.events

    def _report_damage(self, damaged: Sequence[Path]) -> None:
        count = "The history of one job" if len(damaged) == 1 else f"The history of {len(damaged)} jobs"
        where = damaged[0] if len(damaged) == 1 else f"{damaged[0].parent}, each with the ending {DAMAGED}"
        files = "the damaged file is" if len(damaged) == 1 else "the damaged files lie in"
        message = f"{count} was damaged; the readable part was kept, and {files} {where}."
        self._notice(Noticed(level="warning", message=message))

    def _report_unlisted(self, count: int) -> None:
        if self._has_reported_limit:
            return
        self._has_reported_limit = True
        jobs = "job is" if count == 1 else "jobs are"
        message = f"{count} older {jobs} no longer listed (history_limit = {self._limit}). The files stay."
        self._notice(Noticed(level="info", message=message))


class _Journal(NamedTuple):
    events: list[JobEvent]
    is_damaged: bool


def _journals(folder: Path) -> list[Path]:
    return [*folder.glob(f"*{ENDING}")]


def _read_journal(path: Path) -> _Journal:
    """All readable lines; a damaged line does not affect the lines after it."""
    job = path.name.removesuffix(ENDING)
    events: list[JobEvent] = []
    try:
        lines = read_small(path).splitlines()
    except FileNotFoundError:  # another bridge has just moved it to the history
        return _Journal([], is_damaged=False)
    except (OSError, ValueError):
        return _Journal([], is_damaged=True)
    is_damaged = not lines
    for line in lines:
        try:
            event = event_from_json(line)
            if event.job != job:
                raise ValueError(event.job)
        except ValueError:
            is_damaged = True
        else:
            events.append(event)
    return _Journal(events, is_damaged)


def _append_line(path: Path, line: bytes) -> None:
    """Appends a line, starting a new one if a full drive has cut off the last."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, 2)
            if file.read(1) != b"\n":
                line = b"\n" + line
        file.write(line + b"\n")


def _changed_unix(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_over(events: Iterable[JobEvent]) -> bool:
    return any(isinstance(event, Ended) for event in events)


def _submitted_unix(events: Sequence[JobEvent]) -> float:
    return next((event.unix_seconds for event in events if isinstance(event, Submitted)), 0.0)
