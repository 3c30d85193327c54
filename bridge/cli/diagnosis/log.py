"""`sab log`: prints the last records of the log, and those that follow."""

from __future__ import annotations

import asyncio
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from bridge.cli import shared
from bridge.cli.completion import one_of_these
from bridge.cli.logs import EARLIER, MAX_BYTES, log_path
from bridge.cli.output.terminal import write_block, write_note, write_path
from bridge.errors import BadArguments, NotReadable
from bridge.system.ending import interruption

LEVELS = ("info", "warning", "error")
#: How often the log is looked at while it is followed.
FOLLOW_SECONDS = 0.25
#: More than the log ever has; of a longer file, only the end is read.
_LONGEST = 4 * MAX_BYTES
#: Date, time and level of a record's first line; all others are indented.
_HEAD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (DEBUG|INFO|WARNING|ERROR|CRITICAL) ")
_RANKS = {"DEBUG": 0, "INFO": 0, "WARNING": 1, "ERROR": 2, "CRITICAL": 2}

Job = Annotated[str, typer.Option("--job", metavar="ID", help="Only what is about this job.", show_default=False)]
Level = Annotated[
    str,
    typer.Option(
        "--level",
        metavar=f"[{'|'.join(LEVELS)}]",
        help="Only records that are at least this serious.",
        autocompletion=one_of_these(lambda: LEVELS),
    ),
]
Lines = Annotated[int, typer.Option("--last", "-n", min=0, help="How many records, of those that there are.")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is logged from now on, until Ctrl-C.")]
OnlyPath = Annotated[bool, typer.Option("--path", help="Print only where the log lies.")]


class Record(NamedTuple):
    """One record: its first line, and the lines of its stack trace."""

    lines: tuple[str, ...]

    @property
    def rank(self) -> int:
        head = _HEAD.match(self.lines[0])
        return 0 if head is None else _RANKS[head[1]]

    @property
    def is_serious(self) -> bool:
        """A warning or an error."""
        return self.rank > 0


@shared.command
async def show_log(
    last: Lines = 50,
    level: Level = "info",
    job: Job = "",
    follow: Follow = False,
    only_path: OnlyPath = False,
    state_dir: shared.StateDir = None,
) -> int:
    """Show what the bridge has logged: jobs, warnings, and the details of errors. All commands log into one file."""
    if level not in LEVELS:
        raise BadArguments(f"--level must be one of {', '.join(LEVELS)}, not {level!r}.")
    path = log_path(shared.settings_from(state_dir=state_dir).state_dir)
    if only_path:
        write_path(path)
        return shared.DONE
    is_wanted = _wanted(level, job)
    tail = _Tail(path)
    shown = deque(filter(is_wanted, [*records_in(path.with_name(path.name + EARLIER)), *tail.news()]), maxlen=last)
    if not follow:
        _show(shown)
        if not shown:
            write_note(f"There is nothing to show; the log is {path}.")
        return shared.DONE
    async with interruption() as interrupted:  # from the first record on, Ctrl-C is the end that one expects
        _show(shown)
        while not interrupted.is_set():
            _show(filter(is_wanted, tail.news()))
            await _pause(interrupted)
    return shared.DONE


def records_in(path: Path) -> Iterator[Record]:
    """The records of a log; none if there is no such file.

    Raises:
        NotReadable: it is there, and cannot be read.
    """
    yield from _Tail(path).news()


class _Tail:
    """Reads what is added to a log, also after it was set aside for a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self._file_id: tuple[int, int] | None = None

    def news(self) -> Iterator[Record]:
        """The records since the last call, or all.

        Raises:
            NotReadable: the log is there, and cannot be read.
        """
        try:
            if self._path.exists() and not self._path.is_file():
                raise NotReadable(f"{self._path} is no file.")
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                file_id = (status.st_dev, status.st_ino)
                if file_id != self._file_id or status.st_size < self._place:
                    self._file_id, self._place = file_id, max(0, status.st_size - _LONGEST)
                file.seek(self._place)
                added = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise NotReadable(f"The log {self._path} cannot be read: {error.strerror}.") from error
        complete = added[: added.rfind(b"\n") + 1]
        self._place += len(complete)
        yield from _records(complete.decode("utf-8", "replace").split("\n")[:-1])


def _records(lines: Iterable[str]) -> Iterator[Record]:
    found: list[str] = []
    for line in lines:
        if found and not line.startswith("  "):
            yield Record(tuple(found))
            found = []
        found.append(line)
    if found:
        yield Record(tuple(found))


def _wanted(level: str, job: str) -> Callable[[Record], bool]:
    rank = LEVELS.index(level)
    names_job = re.compile(rf"\b{re.escape(job)}\b") if job else None

    def is_wanted(record: Record) -> bool:
        return record.rank >= rank and (names_job is None or any(map(names_job.search, record.lines)))

    return is_wanted


def _show(records: Iterable[Record]) -> None:
    for record in records:
        write_block(record.lines)


async def _pause(interrupted: asyncio.Event) -> None:
    waiting = asyncio.ensure_future(interrupted.wait())
    await asyncio.wait({waiting}, timeout=FOLLOW_SECONDS)
    waiting.cancel()
