"""Which rows the table shows, and in what order: running, waiting, then the history by its days.

Only what changed is computed anew: the history, thousands of rows, stays as it is while a job merely goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TypeAlias

from bridge.groups.group import Group
from bridge.model import Job
from bridge.wording import STATE_WORDS
from tui.state import TableRow, ViewState

#: The orders of the history; the first is that of its ends, the newest first.
SORTS = ("time", "name", "state", "length")
#: In the year 2100; what lies outside is no time of a job.
LAST_UNIX = 4.1e9
_TODAY = "today"
_STATES = {"running": 0, "queued": 1, "failed": 2, "done": 3, "cancelled": 4}


@dataclass(frozen=True)
class Heading:
    """A line above the jobs of one day."""

    words: str

    @property
    def id(self) -> str:
        """No job has it: it has a blank."""
        return f"day {self.words}"


TableLine: TypeAlias = Job | Group | Heading


@dataclass(frozen=True)
class View:
    """How the list is looked at."""

    opened: frozenset[str] = frozenset()
    """Groups whose clips stand below them."""
    filter: str = ""
    """Words that a row must have: in its name, engine, state, or `today`."""
    sort: str = SORTS[0]


class TableOrder:
    """Computes the lines of the table, and holds those of the history."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self._zone = zone
        self._key: tuple[object, ...] | None = None
        self._history: tuple[TableLine, ...] = ()

    def lines(self, state: ViewState, view: View, unix_seconds: float) -> tuple[TableLine, ...]:
        """All lines: of groups those in `view.opened` with their clips, in order."""
        today = self.day_of(unix_seconds)
        key = (state.history_changes, len(state.jobs), view, today)
        if key != self._key:
            over = [row for row in _entries(state, are_over=True) if self._has(row, view.filter, today)]
            self._history = tuple(self._with_days(_sorted(over, view.sort), view, today))
            self._key = key
        current = [row for row in _entries(state, are_over=False) if self._has(row, view.filter, today)]
        in_order = [
            *(row for row in current if row.state == "running"),
            *(row for row in current if row.state != "running"),
        ]
        return (*(line for row in in_order for line in _with_clips(row, view)), *self._history)

    def day_of(self, unix_seconds: float) -> date:
        return _moment(unix_seconds, self._zone).date()

    def _with_days(self, rows: Sequence[TableRow], view: View, today: date) -> Iterator[TableLine]:
        days = [self.day_of(ended_unix(row)) for row in rows] if view.sort == SORTS[0] else []
        has_headings = any(day < today for day in days)
        before: date | None = None
        for place, row in enumerate(rows):
            if has_headings and days[place] != before:
                before = days[place]
                yield Heading(day_words(before, today))
            yield from _with_clips(row, view)

    def _has(self, row: TableRow, words: str, today: date) -> bool:
        if not words:
            return True
        text = _searched(row)
        return all(
            self.day_of(ended_unix(row) or submitted_unix(row)) == today if word == _TODAY else word in text
            for word in words.casefold().split()
        )


def day_words(day: date, today: date) -> str:
    """`Today`, `Yesterday`, `24 November`, `24 November 2025`."""
    if day == today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    return f"{day.day} {day:%B}" if day.year == today.year else f"{day.day} {day:%B %Y}"


def when_words(unix_seconds: float, today: date, zone: tzinfo | None, *, short: bool = False) -> str:
    """`12:04`, `yesterday` (or `Mon`), `24 Nov`, `Nov 2025` (or `Nov 25`)."""
    if not unix_seconds:
        return ""
    moment = _moment(unix_seconds, zone)
    if moment.date() == today:
        return f"{moment:%H:%M}"
    if moment.date() == today - timedelta(days=1):
        return f"{moment:%a}" if short else "yesterday"
    if moment.year == today.year:
        return f"{moment.day} {moment:%b}"
    return f"{moment:%b %y}" if short else f"{moment:%b %Y}"


def _moment(unix_seconds: float, zone: tzinfo | None) -> datetime:
    """The time; of a history that says nonsense, the first or the last that has a date everywhere."""
    return datetime.fromtimestamp(unix_seconds if 0 <= unix_seconds <= LAST_UNIX else 0.0, zone)


def ended_unix(row: TableRow) -> float:
    if isinstance(row, Group):
        return max((job.ended_unix or 0.0 for job in row.jobs), default=0.0)
    return row.ended_unix or 0.0


def submitted_unix(row: TableRow) -> float:
    return row.jobs[0].submitted_unix if isinstance(row, Group) else row.submitted_unix


def seconds_of(row: TableRow) -> float:
    """The length of the clip, of a group's clips together; 0 while it is unknown."""
    if isinstance(row, Group):
        return sum(map(seconds_of, row.jobs))
    return max((result.seconds for result in row.results), default=0.0)


def _entries(state: ViewState, *, are_over: bool) -> Iterator[TableRow]:
    """Single jobs, and groups in the place of their first clip."""
    seen: set[str] = set()
    for job in state.jobs.values():
        group = state.groups.get(job.group_id) if job.group_id else None
        if group is None:
            if job.is_over is are_over:
                yield job
        elif group.id not in seen:
            seen.add(group.id)
            if (group.state not in ("queued", "running")) is are_over:
                yield group


def _with_clips(row: TableRow, view: View) -> Iterator[TableRow]:
    yield row
    if isinstance(row, Group) and row.id in view.opened:
        yield from row.jobs


def _sorted(rows: list[TableRow], sort: str) -> list[TableRow]:
    by_time = sorted(rows, key=ended_unix, reverse=True)
    if sort == "name":
        return sorted(by_time, key=lambda row: row.name.casefold())
    if sort == "state":
        return sorted(by_time, key=lambda row: _STATES[row.state])
    if sort == "length":
        return sorted(by_time, key=seconds_of, reverse=True)
    return by_time


def _searched(row: TableRow) -> str:
    words = [row.name, row.state, STATE_WORDS[row.state]]
    for job in row.jobs if isinstance(row, Group) else (row,):
        words += (job.name, job.engine or job.request.engine.name, job.origin)
    return " ".join(words).casefold()
