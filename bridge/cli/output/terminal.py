"""Everything that the commands print: no other module writes to the standard streams.

Output for people is one line without control characters (`plain`); a character that the terminal's encoding lacks is
never an error. Output for programs is JSON, or the exact bytes of a path. If standard output fails, the functions raise

    OutputClosed    its reader has closed the pipe, as in `sab models | head -1`
    NotWritable     it cannot be written: a file on a full drive

Errors of standard error are ignored.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import typer

from bridge.errors import BadArguments, NotWritable
from bridge.plain import plain

#: Plausible widths and heights of a terminal; others were not set by a terminal.
_SIZES = range(20, 1001)
#: Values of TERM for terminals that cannot move the cursor.
_DUMB_TERMINALS = ("", "dumb", "unknown")


class OutputClosed(Exception):  # noqa: N818 – named as those in bridge.errors are
    """The reader of standard output has closed it."""


def prepare_terminal() -> None:
    """Prepares the standard streams, the environment and logging; called once, before anything is printed.

    Python's own streams fail at the first character that their encoding lacks, and are None if they were closed;
    libraries accept a COLUMNS of 0, and then print nothing; their log records and warnings would print stack traces.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 – open until the process ends
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    for name in ("COLUMNS", "LINES"):
        size = os.environ.get(name, "")
        if not (re.fullmatch(r"[0-9]{1,4}", size) and int(size) in _SIZES):
            os.environ.pop(name, None)
    logging.raiseExceptions = False  # a log record that cannot be written is dropped
    logging.captureWarnings(True)
    logging.getLogger().addHandler(TerminalHandler(logging.WARNING))
    threading.excepthook = _log_ended_thread


def _log_ended_thread(end: threading.ExceptHookArgs) -> None:
    if isinstance(end.exc_value, OSError) and end.exc_value.errno == errno.EIO:
        return  # it draws on a terminal whose window was closed
    logging.error("A thread ended", exc_info=end.exc_value)


def write_line(line: object = "") -> None:
    """Writes one line to standard output, for a person."""
    with writing():
        _put(sys.stdout, str(line))


def write_block(lines: Iterable[str]) -> None:
    """Writes lines that belong together to standard output, for a person."""
    with writing():
        for line in lines:
            sys.stdout.write(f"{plain(line)}\n")
        sys.stdout.flush()


def write_error(code: str, message: str) -> None:
    """Writes one line to standard error: an error's code and message."""
    write_note(f"{code}: {message}")


def write_note(message: str) -> None:
    """Writes one line to standard error, prefixed with the program's name."""
    write_report(f"sab: {message}")


def write_report(line: str) -> None:
    """Writes one line to standard error, without a prefix."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed
        _put(sys.stderr, line)


def write_json(value: object) -> None:
    r"""Writes one JSON value as one line of UTF-8, independent of the terminal's encoding.

    Control characters are escaped, as `\u009b`, which every JSON parser reads as the same character.
    """
    line = msgspec.json.encode(value).decode()
    if not line.isprintable():
        line = "".join(character if character.isprintable() else _escaped(character) for character in line)
    _put_bytes(line.encode() + b"\n")


def output_encoding() -> str:
    """The encoding of standard output."""
    return str(getattr(sys.stdout, "encoding", ""))


def write_path(path: object) -> None:
    """Writes a path as one line: as text on a terminal, else as its exact bytes, so that a script finds the file."""
    if sys.stdout.isatty():
        write_line(path)
    else:
        _put_bytes(_bytes_of(str(path)) + os.linesep.encode())


def ask(question: str) -> bool:
    """Asks a person yes or no; raises typer.Abort if there is no answer."""
    return typer.confirm(plain(question))


def require_screen() -> None:
    """Raises BadArguments if no screen can be drawn: a stream is no terminal, or the terminal cannot move the cursor.

    Textual reads standard input and writes standard error (on Windows standard output), and always takes the size of
    standard output. Under `textual serve` it draws in a browser, by the driver that TEXTUAL_DRIVER names.
    """
    if os.environ.get("TEXTUAL_DRIVER"):
        return
    streams = {"standard input": sys.__stdin__, "standard output": sys.__stdout__, "standard error": sys.__stderr__}
    for name, stream in streams.items():
        if stream is None or stream.closed or not stream.isatty():
            raise _no_screen(f"{name} is not one")
    if sys.platform != "win32" and (kind := os.environ.get("TERM", "")) in _DUMB_TERMINALS:
        raise _no_screen(f"this one cannot draw (TERM={kind})" if kind else "TERM does not say which this is")


def _no_screen(why: str) -> BadArguments:
    return BadArguments(f"The screen needs a terminal, and {why}.", advice="`sab serve` runs without a screen.")


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Translates errors of standard output, and discards all further output after one.

    Raises:
        OutputClosed: the reader has closed it.
        NotWritable: it cannot be written.
    """
    try:
        yield
    except OSError as error:
        drop_output()
        if error.errno == errno.EPIPE or (sys.platform == "win32" and error.errno == errno.EINVAL):
            raise OutputClosed from error
        raise NotWritable(f"The output cannot be written: {error.strerror}.", advice="") from error


def drop_output() -> None:
    """Discards buffered and further output, which would fail once more when Python exits."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


class TerminalHandler(logging.Handler):
    """Writes log records to standard error while there is no log file: one line each, without a stack trace."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        write_note(record.getMessage() if error is None else f"{record.getMessage()}: {type(error).__name__}: {error}")


def _put(stream: TextIO, line: str) -> None:
    stream.write(f"{plain(line)}\n")
    stream.flush()


def _put_bytes(data: bytes) -> None:
    with writing():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _bytes_of(path: str) -> bytes:
    """The bytes of a path. On Windows, paths are text: a pipe's encoding is used if it has all the characters."""
    if sys.platform == "win32":
        with contextlib.suppress(UnicodeEncodeError):
            return path.encode(sys.stdout.encoding)
    return os.fsencode(path)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
