"""Runs a command in a pseudo terminal: tests type keys and read what it draws."""

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

TIMEOUT_SECONDS = 60.0


@dataclass
class Terminal:
    """The master end of a pseudo terminal."""

    process: subprocess.Popen[bytes]
    master: int
    drawn: bytearray = field(default_factory=bytearray)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def shows(self, words: str, since: int = 0) -> int:
        """Waits until `words` are drawn after the first `since` bytes; returns the place behind them.

        Not the number of bytes drawn by then: what was drawn since may be what the test waits for next.
        """
        with self.changed:
            found = self.changed.wait_for(lambda: self.drawn.find(words.encode(), since) >= 0, TIMEOUT_SECONDS)
            assert found, self.drawn[-4000:].decode("utf-8", "replace")
            return self.drawn.find(words.encode(), since) + len(words.encode())

    def ends(self) -> int:
        """Waits until the command ends; returns its exit status."""
        return self.process.wait(TIMEOUT_SECONDS)

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux raises it when the other end is closed
            while data := os.read(self.master, 65536):
                with self.changed:
                    self.drawn += data
                    self.changed.notify_all()


@contextlib.contextmanager
def in_terminal(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    program: Sequence[str] = (),
    cwd: Path | None = None,
) -> Iterator[Terminal]:
    """Runs `sab ARGUMENTS` in a terminal of 30 × 120; kills it at the end if it still runs.

    Another `program` gets only this `environment`.
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
