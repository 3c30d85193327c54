"""A command in a terminal of its own, as a person has it: keys in, whatever it draws out."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 60.0


@dataclass
class Terminal:
    """The end that a terminal's window would hold."""

    process: subprocess.Popen[bytes]
    master: int
    drawn: bytearray = field(default_factory=bytearray)
    news: threading.Condition = field(default_factory=threading.Condition)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def shows(self, words: str, since: int = 0) -> int:
        """Waits until the words were drawn, after so many bytes; returns how many bytes there are then."""
        with self.news:
            there = self.news.wait_for(lambda: words.encode() in self.drawn[since:], PATIENCE_SECONDS)
            assert there, self.drawn[-4000:].decode("utf-8", "replace")
            return len(self.drawn)

    def ends(self) -> int:
        """Waits for the command's end; returns its exit status."""
        return self.process.wait(PATIENCE_SECONDS)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux's word for the other end's being closed
            while data := os.read(self.master, 65536):
                with self.news:
                    self.drawn += data
                    self.news.notify_all()


@contextlib.contextmanager
def in_terminal(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
    cwd: Path | None = None,
) -> Iterator[Terminal]:
    """`sab ARGUMENTS` in a terminal of 30 × 120; killed at the end where it still runs.

    Another `program` gets this `environment` and no more.
    """
    command = [*program, *arguments] if program else [sys.executable, "-m", "bridge", *arguments]
    inherited = {} if program else {**os.environ, "TERM": "xterm-256color"}
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    process = subprocess.Popen(
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**inherited, **(environment or {})},
        cwd=cwd,
    )
    os.close(slave)
    terminal = Terminal(process, master)
    reader = threading.Thread(target=terminal._read)
    reader.start()
    try:
        yield terminal
    finally:
        process.kill()
        process.wait()
        reader.join()
        os.close(master)
