"""The one door to the terminal: what the commands say passes here, and nothing else of the program prints.

A person gets one harmless line (`plain`), which never fails for a sign that the terminal's encoding lacks; a program
gets JSON, or a path's very bytes. Where standard output cannot take it, `write_line` and its sisters raise

    OutputClosed    its reader has gone, as in `sab models | head -1`
    NotWritable     it is a file on a full drive

and what standard error cannot take is lost without a word.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import typer

from bridge.errors import BadArguments, NotWritable
from bridge.plain import plain

#: The widths and heights of a terminal that are believed; others come from what never asked a terminal.
_SIZES = range(20, 1001)
#: What can move no cursor.
_DUMB_TERMINALS = ("", "dumb", "unknown")


class OutputClosed(Exception):  # noqa: N818 – named as those in bridge.errors are
    """Nobody reads standard output any more."""


def prepare_terminal() -> None:
    """Makes the standard streams and the environment fit to be written to; once, before anything is.

    Python's own streams fail at the first sign that their encoding lacks, and are None where they were closed;
    libraries believe a COLUMNS of 0, and print nothing; and what they log or warn of would come as a stack trace.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 – as long as we live
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    for name in ("COLUMNS", "LINES"):
        size = os.environ.get(name, "")
        if not (re.fullmatch(r"[0-9]{1,4}", size) and int(size) in _SIZES):
            os.environ.pop(name, None)
    logging.raiseExceptions = False  # a log that cannot be written is lost
    logging.captureWarnings(True)
    logging.getLogger().addHandler(TerminalHandler(logging.WARNING))
    threading.excepthook = lambda fault: logging.error("A thread ended", exc_info=fault.exc_value)


def write_line(line: object = "") -> None:
    """One line on standard output, for a person."""
    with writing():
        _put(sys.stdout, str(line))


def write_error(code: str, message: str) -> None:
    """One line on standard error: what is wrong, with its code."""
    write_note(f"{code}: {message}")


def write_note(message: str) -> None:
    """One line on standard error, which says who speaks."""
    write_report(f"sab: {message}")


def write_report(line: str) -> None:
    """One line on standard error, as it is."""
    with contextlib.suppress(OSError, ValueError):  # ValueError: closed
        _put(sys.stderr, line)


def write_json(value: object) -> None:
    r"""One JSON value as one line of UTF-8, whatever the terminal's encoding is.

    What a terminal might obey is written as `\u009b`, which means the same to every program.
    """
    line = msgspec.json.encode(value).decode()
    if not line.isprintable():
        line = "".join(sign if sign.isprintable() else _escaped(sign) for sign in line)
    _put_bytes(line.encode() + b"\n")


def write_path(path: object) -> None:
    """A path as one line: for a person where standard output is a terminal, else its very bytes.

    So a script finds the file, whatever is in its name.
    """
    if sys.stdout.isatty():
        write_line(path)
    else:
        _put_bytes(_bytes_of(str(path)) + os.linesep.encode())


def ask(question: str) -> bool:
    """Asks a person yes or no; raises typer.Abort where the answer never comes."""
    return typer.confirm(plain(question))


def need_a_screen() -> None:
    """Raises BadArguments where no screen can be drawn: the streams are no terminal, or one that moves no cursor.

    Textual reads standard input and writes standard error, on Windows standard output, whose size it takes everywhere.
    Under `textual serve` it speaks to a browser instead, by the driver that TEXTUAL_DRIVER names.
    """
    if os.environ.get("TEXTUAL_DRIVER"):
        return
    names = {"standard input": sys.__stdin__, "standard output": sys.__stdout__, "standard error": sys.__stderr__}
    for name, stream in names.items():
        if stream is None or stream.closed or not stream.isatty():
            raise _no_screen(f"{name} is none")
    if sys.platform != "win32" and (kind := os.environ.get("TERM", "")) in _DUMB_TERMINALS:
        raise _no_screen(f"this one cannot draw (TERM={kind})" if kind else "TERM does not say which this is")


def _no_screen(why: str) -> BadArguments:
    return BadArguments(f"The screen needs a terminal, and {why}.", advice="`sab serve` runs without a screen.")


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """What standard output refuses becomes an error that says so, and nothing more is written to it.

    Raises:
        OutputClosed: nobody reads it.
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
    """What still waits to be written goes nowhere: it would fail once more while Python ends."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


class TerminalHandler(logging.Handler):
    """What is logged while there is no log file: a line each, and no stack."""

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[1] if record.exc_info else None
        write_note(record.getMessage() if fault is None else f"{record.getMessage()}: {type(fault).__name__}: {fault}")


def _put(stream: TextIO, line: str) -> None:
    stream.write(f"{plain(line)}\n")
    stream.flush()


def _put_bytes(data: bytes) -> None:
    with writing():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _bytes_of(path: str) -> bytes:
    """On Windows names are no bytes: there a pipe's reader expects its encoding, where that suffices."""
    if sys.platform == "win32":
        with contextlib.suppress(UnicodeEncodeError):
            return path.encode(sys.stdout.encoding)
    return os.fsencode(path)


def _escaped(sign: str) -> str:
    units = sign.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
