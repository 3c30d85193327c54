"""The log file: details for developers that are not shown to the musician. `sab log` prints it.

One file in the state folder has the records of every command: each record is appended with one write, by whichever
process it comes from, and the file is opened anew for it. So the processes need not know of each other, and whichever
finds the file too long sets it aside (docs/decisions/0185).
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import tempfile
import traceback
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, TypeAlias

from bridge.cli.output.terminal import TerminalHandler
from bridge.plain import plain
from bridge.system.file_lock import try_lock
from bridge.system.private_folders import FILE_MODE, private_folder

LOG_NAME = "bridge.log"
#: What follows the log's name where it was set aside because it had grown too long.
EARLIER = ".1"
MAX_BYTES = 1_000_000
#: No link is followed, and a pipe in the log's place is not waited for.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_Fault: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


def log_path(state_dir: Path) -> Path:
    """The log of all bridges with this state folder."""
    return state_dir / LOG_NAME


def log_into(state_dir: Path, command: str) -> None:
    """Writes all log records of this process to the log, as those of `command`; without a log where that fails.

    From here on no log record, ours or a library's, goes to standard error, where the screen may be drawn.
    """
    root = logging.getLogger()
    for handler in root.handlers:
        if isinstance(handler, TerminalHandler):
            root.removeHandler(handler)
    logging.getLogger("bridge").setLevel(logging.INFO)
    root.addHandler(LogFile(log_path(state_dir), command))


def record_fault(error: Exception, state_dir: Path | None, option: object = None) -> str:
    """Logs an unexpected error with its stack trace, which means nothing to a musician; returns where to find it.

    `state_dir` is where the log lies unless `log_into` was called; None: nobody knows. `option` is the command's own
    `--state-dir`. What cannot be logged goes into a file of its own.
    """
    logs = [handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile)]
    if not logs and state_dir is not None:
        logs = [LogFile(log_path(state_dir), "sab")]
    fault = (type(error), error, error.__traceback__)
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, "the command failed", None, fault)
    if any(log.write(record) for log in logs):
        return f"`sab log{f' --state-dir {option}' if option else ''}` shows the details"
    with tempfile.NamedTemporaryFile("w", prefix="sab-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(plain_trace("".join(traceback.format_exception(error))))
    return f"the details are in {file.name}"


class LogFile(logging.Handler):
    """Appends records to a file that other processes append to as well."""

    def __init__(self, path: Path, command: str) -> None:
        super().__init__()
        self._path = path
        self.setFormatter(PlainFormatter(f"%(asctime)s %(levelname)s {command}[%(process)d] %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.write(record)

    def write(self, record: logging.LogRecord) -> bool:
        """Whether the record could be written; it is no reason to end anything if not."""
        try:
            append_record(self._path, f"{self.format(record)}\n".encode("utf-8", "replace"))
        except Exception:  # a record whose arguments do not fit its message raises anything
            return False
        return True


def append_record(path: Path, record: bytes, max_bytes: int = MAX_BYTES) -> None:
    """Appends a record with one write, and sets the file aside once it is longer than `max_bytes`.

    Raises:
        OSError: it cannot be written, or is no file.
    """
    private_folder(path.parent)
    with os.fdopen(os.open(path, _FLAGS, FILE_MODE), "ab", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no file")
        file.write(record)
        is_full = status.st_size + len(record) > max_bytes
        if is_full and sys.platform != "win32":
            _set_aside_once(path, file)
    if is_full and sys.platform == "win32":
        with contextlib.suppress(OSError):  # another process is just writing to it, and will set it aside
            path.replace(path.with_name(path.name + EARLIER))


def _set_aside_once(path: Path, file: BinaryIO) -> None:
    """Renames the open file, unless another process does that or has done it."""
    with contextlib.suppress(OSError):
        if try_lock(file) and os.path.samestat(os.fstat(file.fileno()), path.stat()):
            path.replace(path.with_name(path.name + EARLIER))


class PlainFormatter(logging.Formatter):
    """Writes a record as one line, and its stack trace indented, so that no text in it can imitate another record.

    A record of a child process has its stack trace as lines in `trace`.
    """

    def format(self, record: logging.LogRecord) -> str:
        lines = [super().format(record), *(f"  {plain(line)}" for line in getattr(record, "trace", ()))]
        return "\n".join(lines)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 – logging's name
        return plain(super().formatMessage(record))

    def formatException(self, ei: _Fault) -> str:  # noqa: N802
        return plain_trace(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return plain_trace(stack_info)


def plain_trace(trace: str) -> str:
    """A stack trace without control characters, every line indented."""
    return "\n".join(f"  {plain(line)}" for line in trace.split("\n"))
