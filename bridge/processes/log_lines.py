"""Log records on their way from a child process to the log: one line each on the child's standard error.

A line is `LEVEL logger: message`, then the lines of the stack trace, each after a separator.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import NamedTuple

#: ASCII's unit separator, which no log message needs.
_SEPARATOR = "\x1f"
#: Longer records are cut: the main process reads lines of at most 64 KiB.
_LONGEST = 30_000
_LEVELS = {logging.getLevelName(level): level for level in (10, 20, 30, 40, 50)}


class ChildRecord(NamedTuple):
    """A line of a child's standard error."""

    level: int
    """As in `logging`; INFO for what a library printed."""
    message: str
    trace: tuple[str, ...] = ()


def log_to_parent() -> None:
    """Writes this process's log to standard error, one line per record; the main process logs these lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    sys.excepthook = lambda _, error, __: _log_fault(error)
    threading.excepthook = lambda end: _log_fault(end.exc_value)


def read_log_line(line: str) -> ChildRecord:
    """The record in a line that a child has written."""
    message, *trace = line.split(_SEPARATOR)
    word, _, rest = message.partition(" ")
    if word in _LEVELS and rest:
        return ChildRecord(_LEVELS[word], rest, tuple(trace))
    return ChildRecord(logging.INFO, line)


def _log_fault(error: BaseException | None) -> None:
    logging.critical("%s: %s", type(error).__name__, error, exc_info=error)


class _LineFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _SEPARATOR.join(super().format(record)[:_LONGEST].splitlines())
