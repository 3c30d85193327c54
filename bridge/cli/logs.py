"""The log file: what the musician is spared and a developer wants to read."""

from __future__ import annotations

import contextlib
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from bridge.cli.output.terminal import TerminalHandler
from bridge.plain import plain

LOG_NAME = "bridge.log"
MAX_BYTES = 1_000_000
_Fault: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


def log_into(folder: Path) -> None:
    """Writes every part's log into `folder`, two files of a megabyte at most; where it cannot, there is none.

    From here on nothing that is logged, by us or by a library, comes on standard error, where a screen may stand.
    """
    everything = logging.getLogger()
    for handler in everything.handlers:
        if isinstance(handler, TerminalHandler):
            everything.removeHandler(handler)
    everything.addHandler(logging.NullHandler())
    logging.getLogger("bridge").setLevel(logging.INFO)
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / LOG_NAME, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True
        )
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        everything.addHandler(handler)


class PlainFormatter(logging.Formatter):
    """A record is one line, and its stack is lines that are set in: no name in it can pose as a record of its own."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 – logging's name
        return plain(super().formatMessage(record))

    def formatException(self, ei: _Fault) -> str:  # noqa: N802
        return plain_trace(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return plain_trace(stack_info)


def plain_trace(trace: str) -> str:
    """A stack trace of harmless lines, all of them set in."""
    return "\n".join(f"  {plain(line)}" for line in trace.split("\n"))
