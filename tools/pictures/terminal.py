"""A real terminal without a window: tmux, with a program in it, and what it shows as a picture."""

from __future__ import annotations

import io
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from textual.color import Color

from tui.themes import NIGHT

POLL_SECONDS, SETTLED_SECONDS = 0.05, 0.2
#: A picture on a page asks no other server for a font.
_FONT_FACE = re.compile(r"\s*@font-face \{[^}]*\}")
#: What the terminal itself is drawn with, where the program leaves its colours alone.
_THEME = TerminalTheme(
    Color.parse(NIGHT.background or "").rgb,
    Color.parse(NIGHT.foreground or "").rgb,
    [(0, 0, 0)] * 8,
    [(255, 255, 255)] * 8,
)


class Terminal:
    """One session of tmux."""

    def __init__(self, socket: Path, name: str, columns: int, rows: int) -> None:
        self._socket, self._name = socket, name
        self.columns, self.rows = columns, rows

    def press(self, *keys: str) -> None:
        """Presses keys by their names in tmux: `a`, `Enter`, `C-p`."""
        self._tmux("send-keys", "-t", self._name, *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-t", self._name, "-l", text)

    def text(self) -> str:
        """What it shows, without colours."""
        return self._tmux("capture-pane", "-p", "-t", self._name)

    def wait_for(self, pattern: str, seconds: float = 60.0) -> None:
        """Waits until a regular expression matches what it shows.

        Raises:
            TimeoutError: it did not in that time; the message has what was shown last.
        """
        deadline = time.monotonic() + seconds
        while not re.search(pattern, shown := self.text()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pattern!r} was not shown within {seconds:g} s, but\n{shown}")
            time.sleep(POLL_SECONDS)

    def settle(self) -> None:
        """Waits until nothing has changed for a moment, for no longer than two seconds."""
        shown = ""
        for _ in range(round(2.0 / SETTLED_SECONDS)):
            before, shown = shown, self.text()
            if shown == before:
                return
            time.sleep(SETTLED_SECONDS)

    def picture(self, title: str) -> str:
        """What it shows, as SVG."""
        shown = self._tmux("capture-pane", "-e", "-p", "-N", "-t", self._name)
        console = Console(
            file=io.StringIO(), record=True, width=self.columns, height=self.rows, force_terminal=True,
            color_system="truecolor", legacy_windows=False,
        )  # fmt: skip
        for line in shown.split("\n")[: self.rows]:
            console.print(Text.from_ansi(line, end="", no_wrap=True), crop=True, soft_wrap=True)
        return _FONT_FACE.sub("", console.export_svg(title=title, theme=_THEME, unique_id="terminal"))

    def _tmux(self, *command: str) -> str:
        return subprocess.run(
            ("tmux", "-S", self._socket, *command), check=True, capture_output=True, text=True, encoding="utf-8"
        ).stdout


@contextmanager
def terminal(
    folder: Path, name: str, command: str, environment: Mapping[str, str], columns: int = 120, rows: int = 36
) -> Iterator[Terminal]:
    """Runs a shell command in a terminal of that size, and ends it with the block; tmux's socket lies in `folder`."""
    socket = folder / f"{name}.tmux"
    subprocess.run(
        ("tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "-s", name, "-x", str(columns), "-y", str(rows),
         command, ";", "set", "status", "off", ";", "set", "-g", "remain-on-exit", "on"),
        check=True, env={**environment, "COLORTERM": "truecolor"},
    )  # fmt: skip
    try:
        yield Terminal(socket, name, columns, rows)
    finally:
        subprocess.run(("tmux", "-S", socket, "kill-server"), check=False, capture_output=True)
