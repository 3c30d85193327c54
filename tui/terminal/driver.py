"""Textual's own driver, with an input decoder that accepts any byte, and output that a lost terminal does not end.

Textual (8.2.8; its issues 6456 and 6668 are open) decodes the terminal's input as strict UTF-8. An invalid byte ends
its input thread, and with it the screen: an umlaut from a Latin-1 terminal, a pasted name, or the mouse reports of a
terminal that was attached again and has lost the modes that the screen had set.

Its queue of output has 30 places, and who writes into a full one waits: a terminal that takes nothing for a while (a
connection that stalls, a window that is stopped) stopped the bridge in the same process with it. Here nobody waits, and
`is_behind` tells when to draw no more.

Its output thread ends at the first error. What is drawn from then on fills a queue, and when that is full the screen
waits for ever, and the bridge in it cannot close: tmux's `kill-server` did that.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import IO, Any, TypeAlias

from textual.driver import Driver

#: A terminal with more writes to take is behind.
MOST_WAITING_WRITES = 30
#: A mouse report in the X10 encoding: ESC [ M, button, column, row; each of the three is one byte, its value plus 32.
_MOUSE_REPORT = re.compile(rb"\x1b\[M([^\x00-\x1f]{3})", re.DOTALL)
#: The answer to `ASK_BACKGROUND`: a channel has one to four hexadecimal digits.
_BACKGROUND = re.compile(rb"\x1b\]11;rgba?:([0-9A-Fa-f]+)/([0-9A-Fa-f]+)/([0-9A-Fa-f]+)[^\x07\x1b]*(?:\x07|\x1b\\)")
_UNFINISHED = re.compile(rb"(?:\x1b\[M[^\x00-\x1f]{0,2}|\x1b\]11;[^\x07\x1b]{0,40}\x1b?)\Z", re.DOTALL)
#: Asks a terminal for its background's colour; one that does not know the question ignores it.
ASK_BACKGROUND = "\x1b]11;?\x1b\\"
#: Red, green and blue, each from 0 to 1.
Colour: TypeAlias = tuple[float, float, float]


class ForgivingDecoder:
    """Bytes from a terminal → text. Invalid UTF-8 becomes a replacement character; X10 mouse reports are dropped.

    The answer to `ASK_BACKGROUND` goes to `on_background`.
    """

    def __init__(self, on_background: Callable[[Colour], object] = lambda _: None) -> None:
        self._on_background = on_background
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """The text of `data`; an incomplete character or report at its end waits for more, unless `final`.

        Raises:
            EOFError: `data` is empty: every read from a closed terminal returns this at once.
        """
        if not data and not final:
            raise EOFError("The terminal was closed")
        data = _MOUSE_REPORT.sub(b"", self._pending + data)
        data = _BACKGROUND.sub(self._tell_background, data)
        unfinished = None if final else _UNFINISHED.search(data)
        whole = data if unfinished is None else data[: unfinished.start()]
        self._pending = data[len(whole) :]
        return self._utf8.decode(whole, final)

    def _tell_background(self, answer: re.Match[bytes]) -> bytes:
        red, green, blue = (int(digits, 16) / (16 ** len(digits) - 1) for digits in answer.groups())
        self._on_background((red, green, blue))
        return b""


class ForgivingOutput:
    """A terminal's output: once it has gone, what is written is dropped."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def is_behind(driver: Driver | None) -> bool:
    """Whether the terminal does not take what was drawn already."""
    queue = getattr(getattr(driver, "_writer_thread", None), "_queue", None)
    return queue is not None and queue.qsize() > MOST_WAITING_WRITES


def forgiving(
    driver: type[Driver],
    on_fault: Callable[[Exception], None],
    on_background: Callable[[Colour], object] = lambda _: None,
) -> type[Driver]:
    """A subclass of `driver` with `ForgivingOutput` and `ForgivingDecoder`.

    A driver that reads no bytes, as on Windows, keeps its decoder. `on_fault` is called on the input thread if that
    still ends with an error, `on_background` when the terminal tells its background's colour.
    """

    def init(self: Driver, *args: Any, **options: Any) -> None:
        driver.__init__(self, *args, **options)
        if (file := getattr(self, "_file", None)) is not None:
            self._file = ForgivingOutput(file)  # type: ignore[attr-defined]

    def write(self: Driver, data: str) -> None:
        if (writer := getattr(self, "_writer_thread", None)) is not None:
            writer._queue.maxsize = 0  # without a limit nobody waits
        driver.write(self, data)

    overridden: dict[str, Any] = {"__init__": init, "write": write}
    read: Any = getattr(driver, "run_input_thread", None)
    if read is None:
        return type(f"Forgiving{driver.__name__}", (driver,), overridden)
    # Textual's own function, with globals in which `getincrementaldecoder` returns our decoder.
    names = {**read.__globals__, "getincrementaldecoder": lambda _: lambda: ForgivingDecoder(on_background)}
    read_input = FunctionType(read.__code__, names, read.__name__, read.__defaults__, read.__closure__)

    def run_input_thread(self: Driver) -> None:
        try:
            read_input(self)
        except Exception as error:
            on_fault(error)
        else:
            is_ending: Any = getattr(self, "exit_event", None)
            if is_ending is not None and not is_ending.is_set():  # a browser's server has gone without a word
                on_fault(EOFError("The terminal was closed"))

    return type(f"Forgiving{driver.__name__}", (driver,), {**overridden, "run_input_thread": run_input_thread})
