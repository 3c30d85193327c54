"""The job store that survives: one file of JSON lines for each job, one line for each event.

A bug report is such a file: `lifecycle.fold` brings the job back from it. A job that is not over belongs to the bridge
that does it, and its journal lies in that bridge's own folder; with its last line it moves to the history, which all
bridges of a user share.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.config import DEFAULT_HISTORY
from bridge.events import Ended, JobEvent, Noticed, Progressed, Submitted
from bridge.model import Job
from bridge.store.memory import MemoryStore
from bridge.system.files import parsed, read_small, write_whole

ENDING = ".jsonl"
#: What a journal is called once it could not be read to its end.
DAMAGED = ".damaged"
#: What could be read of it, until it takes its place.
MENDED = ".mended"


class JournalStore:
    """Writes every event down before it counts, except progress, which is soon old.

    Args:
        own: the folder for the jobs that this bridge has not done yet.
        history: the folder for those that are over, of all bridges.
        others: folders in which earlier versions, and bridges on other ports, have left journals.
        limit: how many jobs are listed. Files beyond it stay where they are.
        notice: is told what a person should know: what was damaged, what is no longer listed, a full drive.

    Raises:
        OSError: the folders cannot be made.
    """

    def __init__(
        self,
        own: Path,
        history: Path,
        others: Iterable[Path] = (),
        *,
        limit: int = DEFAULT_HISTORY,
        notice: Callable[[Noticed], None] = lambda _: None,
    ) -> None:
        self._own = own
        self._history = history
        self._others = tuple(others)
        self._limit = limit
        self._notice = notice
        self._memory = MemoryStore(limit, self._forgotten)
        self._encode = msgspec.json.Encoder().encode
        self._has_told_limit = self._has_told_disk = False
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
        """Remembers what earlier runs have written, the newest `limit` jobs of it.

        Called once, by whoever alone may write into the bridge's own folder. Journals of other ports that are over
        move to the history; those that are not may be somebody's work.
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
                with contextlib.suppress(ValueError):  # its first line was lost
                    self._memory.append(event)
        for events in filter(None, own):
            if _is_over(events):  # it could not be moved at the time
                self._archive(self._own / (events[0].job + ENDING))
        if len(newest) > room:
            self._forgotten(len(newest) - room)
        if damaged:
            self._tell_damage(damaged)

    def _write(self, event: JobEvent) -> None:
        path = self._own / (event.job + ENDING)
        try:
            _append_line(path, self._encode(event))
        except OSError as error:  # a full or vanished drive costs the history, never the job
            if not self._has_told_disk:
                self._has_told_disk = True
                message = f"The history of jobs cannot be written to {self._own} ({error.strerror}); jobs go on."
                self._notice(Noticed(level="warning", message=message))
            return
        self._has_told_disk = False
        if isinstance(event, Ended):
            self._archive(path)

    def _archive(self, path: Path) -> None:
        with contextlib.suppress(OSError):  # then it is tried again at the next start
            path.replace(self._history / path.name)

    def _read(self, path: Path, damaged: list[Path]) -> list[JobEvent]:
        """What a journal tells; one that is damaged is set aside, and what could be read of it takes its place."""
        found = _read_journal(path)
        if found.is_damaged:
            aside = path.with_name(path.name + DAMAGED)
            mended = path.with_name(path.name + MENDED)
            with contextlib.suppress(OSError):  # a full drive: all stays as it is, to be set aside another time
                write_whole(mended, b"".join(self._encode(event) + b"\n" for event in found.events))
                path.replace(aside)
                damaged.append(aside)
                if found.events:
                    mended.replace(path)
                else:
                    mended.unlink()
        return found.events

    def _tell_damage(self, damaged: Sequence[Path]) -> None:
        count = "The history of one job" if len(damaged) == 1 else f"The history of {len(damaged)} jobs"
        where = damaged[0] if len(damaged) == 1 else f"{damaged[0].parent}, each with the ending {DAMAGED}"
        files = "the damaged file is" if len(damaged) == 1 else "the damaged files lie in"
        message = f"{count} was damaged; what could be read is kept, and {files} {where}."
        self._notice(Noticed(level="warning", message=message))

    def _forgotten(self, count: int) -> None:
        if self._has_told_limit:
            return
        self._has_told_limit = True
        jobs = "job is" if count == 1 else "jobs are"
        message = f"{count} older {jobs} no longer listed (history_limit = {self._limit}). The files stay."
        self._notice(Noticed(level="info", message=message))


class _Journal(NamedTuple):
    events: list[JobEvent]
    is_damaged: bool


def _journals(folder: Path) -> list[Path]:
    return [*folder.glob(f"*{ENDING}")]


def _read_journal(path: Path) -> _Journal:
    """Every line that can be read: what is lost in the middle costs no line behind it."""
    job = path.name.removesuffix(ENDING)
    decode = msgspec.json.Decoder(JobEvent).decode
    events: list[JobEvent] = []
    try:
        lines = read_small(path).splitlines()
    except FileNotFoundError:  # another bridge has just moved it
        return _Journal([], is_damaged=False)
    except (OSError, ValueError):
        return _Journal([], is_damaged=True)
    is_damaged = not lines
    for line in lines:
        try:
            event: JobEvent = parsed(line, decode)
            if event.job != job:
                raise ValueError(event.job)
        except ValueError:
            is_damaged = True
        else:
            events.append(event)
    return _Journal(events, is_damaged)


def _append_line(path: Path, line: bytes) -> None:
    """Adds a whole line, also behind one that a full drive has cut off."""
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
