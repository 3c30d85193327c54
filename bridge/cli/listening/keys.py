"""Single keys from a terminal, without waiting for Enter, on the event loop."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: What a terminal sends → the key's name; other text is its own name.
_POSIX = {"\x1b[C": "right", "\x1b[D": "left", "\x1bOC": "right", "\x1bOD": "left", "\x1b": "escape"}
#: The second of two codes, on Windows.
_WINDOWS = {"M": "right", "K": "left"}
_READ_BYTES = 1024


def keys_in(text: str) -> list[str]:
    """The keys in what one read gave: arrows by their names, other escape sequences left out."""
    found: list[str] = []
    rest = text
    while rest:
        sequence = next((one for one in sorted(_POSIX, key=len, reverse=True) if rest.startswith(one)), "")
        if sequence == "\x1b" and len(rest) > 1:  # a sequence of some other key
            return found
        found.append(_POSIX.get(sequence, rest[0]))
        rest = rest[max(1, len(sequence)) :]
    return found


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def pressed_keys(on_key: Callable[[str], None]) -> Iterator[None]:
        """Calls `on_key` on the running loop with each key while the block runs."""
        loop, over = asyncio.get_running_loop(), threading.Event()

        def read() -> None:
            while not over.is_set():
                key = msvcrt.getwch()
                if key in ("\x00", "\xe0"):
                    key = _WINDOWS.get(msvcrt.getwch(), "")
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(on_key, key)

        threading.Thread(target=read, daemon=True, name="keys").start()
        try:
            yield
        finally:
            over.set()

else:
    import termios
    import tty

    @contextmanager
    def pressed_keys(on_key: Callable[[str], None]) -> Iterator[None]:
        """Calls `on_key` on the running loop with each key while the block runs. Ctrl-C stays a signal.

        Standard input must be a terminal; it is as before after the block.
        """
        loop, terminal = asyncio.get_running_loop(), sys.stdin.fileno()

        def read() -> None:
            try:
                data = os.read(terminal, _READ_BYTES)
            except OSError:  # the terminal's window was closed
                data = b""
            if not data:
                loop.remove_reader(terminal)
            for key in keys_in(data.decode("utf-8", "replace")):
                on_key(key)

        before = termios.tcgetattr(terminal)
        tty.setcbreak(terminal)
        loop.add_reader(terminal, read)
        try:
            yield
        finally:
            loop.remove_reader(terminal)
            with suppress(termios.error):
                termios.tcsetattr(terminal, termios.TCSADRAIN, before)
