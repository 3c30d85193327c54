"""A program on a pseudo-terminal, and the text that its screen shows."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

COLUMNS, ROWS = 120, 40
_TOKEN = re.compile(
    r"\x1b\[(?P<row>\d*);(?P<column>\d*)H|\x1b\[[<-?]?[0-9;:]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b."
    r"|(?P<text>[^\x00-\x1f]+)|[\x00-\x1f]"
)
#: An escape sequence of which more is to come.
_UNFINISHED = re.compile(r"\x1b(?:\[[<-?]?[0-9;:]*[ -/]*|\][^\x07\x1b]*\x1b?)?\Z")


class PseudoTerminal:
    """Writes keys, and keeps what is drawn; wide characters are not taken into account."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.received = 0
        """Bytes that the program has sent."""
        self._terminal = terminal
        self._rows = [[" "] * COLUMNS for _ in range(ROWS)]
        self._row = self._column = 0
        self._rest = ""

    @property
    def text(self) -> str:
        return "\n".join("".join(row) for row in self._rows)

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def read(self, seconds: float) -> bool:
        """Draws what comes within so many seconds; whether something came."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return False
        data = os.read(self._terminal, 1 << 16)
        self.received += len(data)
        self._draw(self._rest + data.decode("utf-8", "replace"))
        return True

    def until(self, shown: Callable[[str], bool], seconds: float) -> float:
        """Draws until the text of the screen is as it should be; returns the seconds that it took.

        Raises:
            TimeoutError: it never was.
        """
        began = time.perf_counter()
        while not shown(self.text):
            left = began + seconds - time.perf_counter()
            if left <= 0 or (not self.read(left) and self.process.poll() is not None):
                raise TimeoutError(f"not shown within {seconds:g} s:\n{self.text}")
        return time.perf_counter() - began

    def until_still(self, seconds: float) -> None:
        """Draws until nothing has come for so many seconds."""
        while self.read(seconds):
            pass

    def _draw(self, data: str) -> None:
        unfinished = _UNFINISHED.search(data)
        whole, self._rest = (data[: unfinished.start()], unfinished[0]) if unfinished else (data, "")
        for token in _TOKEN.finditer(whole):
            if token["row"] is not None:
                self._row, self._column = int(token["row"] or 1) - 1, int(token["column"] or 1) - 1
            elif token["text"] and self._row < ROWS:
                end = min(self._column + len(token["text"]), COLUMNS)
                self._rows[self._row][self._column : end] = token["text"][: end - self._column]
                self._column = end


@contextlib.contextmanager
def on_terminal(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[PseudoTerminal]:
    """Runs a program in a folder; ends it afterwards."""
    terminal, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment},
    )  # fmt: skip
    os.close(theirs)
    try:
        yield (drawn := PseudoTerminal(process, terminal))
    finally:
        process.terminate()
        end = time.monotonic() + 20
        with contextlib.suppress(OSError):  # its end closes the terminal
            while process.poll() is None and time.monotonic() < end:
                drawn.read(0.2)
        process.kill()
        process.wait()
        os.close(terminal)
