"""The log file: details for developers that are not shown to the musician."""

from __future__ import annotations

import contextlib
import logging
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, cast

from bridge.cli.output.terminal import TerminalHandler
from bridge.plain import plain
from bridge.system.private_folders import open_private, private_folder

LOG_NAME = "bridge.log"
MAX_BYTES = 1_000_000
_Fault: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


def log_into(folder: Path) -> None:
    """Writes all log records into `folder`, in at most two files of a megabyte; without a log if that fails.

    From here on no log record, ours or a library's, goes to standard error, where the screen may be drawn.
    """
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, TerminalHandler):
            root.removeHandler(handler)
    root.addHandler(logging.NullHandler())
    logging.getLogger("bridge").setLevel(logging.INFO)
    with contextlib.suppress(OSError):
        private_folder(folder)
        handler = _PrivateLog(folder / LOG_NAME, maxBytes=MAX_BYTES, backupCount=1, encoding="utf-8", delay=True)
        handler.setFormatter(PlainFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root.addHandler(handler)


class _PrivateLog(RotatingFileHandler):
    """A log that only this account may read: it names the user's songs and folders."""

    def _open(self) -> TextIOWrapper:
        return cast(TextIOWrapper, open(self.baseFilename, self.mode, encoding=self.encoding, opener=open_private))


class PlainFormatter(logging.Formatter):
    """Writes a record as one line, and its stack trace indented, so that no text in it can imitate another record."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 – logging's name
        return plain(super().formatMessage(record))

    def formatException(self, ei: _Fault) -> str:  # noqa: N802
        return plain_trace(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return plain_trace(stack_info)


def plain_trace(trace: str) -> str:
    """A stack trace without control characters, every line indented."""
    return "\n".join(f"  {plain(line)}" for line in trace.split("\n"))
