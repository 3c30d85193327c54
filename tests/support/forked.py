"""Runs many commands quickly: one process imports `sab` once, and forks for each command, with streams of its own.

with forked() as run:
    done = run(["models"], out="full", encoding="cp437")
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

Out = Literal["read", "unread", "full"]


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    out: bytes
    err: bytes


Run = Callable[..., Done]


@contextlib.contextmanager
def forked() -> Iterator[Run]:
    """Yields a function that runs `sab` with `arguments`.

    `out`: standard output is read, a pipe that nobody reads, or a file on a full drive. `deleted`: the current folder
    is gone. `encoding`: of the streams.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forked"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        wants, answers = process.stdin, process.stdout

        def run(
            arguments: Sequence[str],
            *,
            out: Out = "read",
            encoding: str = "utf-8",
            environment: Mapping[str, str] | None = None,
            deleted: bool = False,
        ) -> Done:
            case = {"arguments": [*arguments], "out": out, "encoding": encoding, "environment": dict(environment or {})}
            wants.write(json.dumps({**case, "deleted": deleted}) + "\n")
            wants.flush()
            status, written, errors = json.loads(answers.readline())
            return Done(status, bytes.fromhex(written), bytes.fromhex(errors))

        yield run
        wants.close()
        process.wait(10)


def main() -> None:
    """Serves cases until standard input ends."""
    for name in ("bridge.cli.main", "asyncio", "rich.console", "rich.table", "rich.markdown", "typer.rich_utils"):
        importlib.import_module(name)  # what every case would import

    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = os.fork()
            if not child:
                _become(json.loads(line), out.fileno(), err.fileno())
            _, status = os.waitpid(child, 0)
            written = [file.read().hex() for file in (out, err) if not file.seek(0)]
        answers.write(json.dumps([os.waitstatus_to_exitcode(status), *written]) + "\n")
        answers.flush()


def _become(case: dict[str, Any], out: int, err: int) -> None:
    """Runs the command in this process, which then ends."""
    code = 70  # the harness failed
    try:
        os.environ.update(case["environment"])
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        if case["deleted"]:
            Path(folder).rmdir()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(_unread_pipe() if case["out"] == "unread" else out, 1)
        if case["out"] == "full":
            os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
        os.dup2(err, 2)
        sys.stdin, sys.stdout, sys.stderr = open(0), _stream(1, case["encoding"]), _stream(2, case["encoding"])  # noqa: SIM115
        sys.argv = ["sab", *case["arguments"]]
        from bridge.cli import main as sab

        sab()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        os.write(2, f"Traceback: {error!r}".encode())
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = 120  # as Python itself does
    os._exit(code)


def _unread_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def _stream(descriptor: int, encoding: str) -> TextIO:
    return io.TextIOWrapper(os.fdopen(descriptor, "wb", closefd=False), encoding=encoding)


if __name__ == "__main__":
    main()
