"""What reads the keyboard: Textual's own driver, which no byte can end.

Textual (8.2.8; its issues 6456 and 6668 are open) decodes what the terminal sends as strict UTF-8. A byte that
is none ends its reading thread, and with it the screen: an umlaut from a Latin-1 terminal, a name that is pasted, and
the mouse reports of a terminal that was attached anew and has forgotten what the screen asked of it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from types import FunctionType
from typing import Any

from textual.driver import Driver

#: ESC [ M, button, column, row: a mouse report as X10 wrote it; each of the three is one byte, 32 more than it means.
_MOUSE_REPORT = re.compile(rb"\x1b\[M([^\x00-\x1f]{3})", re.DOTALL)
_UNFINISHED_REPORT = re.compile(rb"\x1b\[M[^\x00-\x1f]{0,2}\Z", re.DOTALL)


class ForgivingDecoder:
    """Bytes from a terminal → text. What is no UTF-8 becomes a replacement character; X10's mouse reports go."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._kept = b""

    def decode(self, data: bytes, final: bool = False) -> str:
        """The text of `data`, less what may be the start of a sign or a report; all of it where it is the `final`.

        Raises:
            EOFError: `data` is nothing, which is how a terminal that has gone answers, at once and for ever.
        """
        if not data and not final:
            raise EOFError("The terminal has gone")
        data = _MOUSE_REPORT.sub(b"", self._kept + data)
        unfinished = None if final else _UNFINISHED_REPORT.search(data)
        whole = data if unfinished is None else data[: unfinished.start()]
        self._kept = data[len(whole) :]
        return self._utf8.decode(whole, final)


def forgiving(driver: type[Driver], on_fault: Callable[[Exception], None]) -> type[Driver]:
    """The same driver, reading with `ForgivingDecoder`; one that reads no bytes, as on Windows, is given back as it is.

    `on_fault` is called on the reading thread when that ends by an error all the same.
    """
    read: Any = getattr(driver, "run_input_thread", None)
    if read is None:
        return driver
    # Textual's function as it stands, in whose eyes the decoder of that name is ours.
    names = {**read.__globals__, "getincrementaldecoder": lambda _: ForgivingDecoder}
    read_on = FunctionType(read.__code__, names, read.__name__, read.__defaults__, read.__closure__)

    def run_input_thread(self: Driver) -> None:
        try:
            read_on(self)
        except Exception as error:
            on_fault(error)

    return type(f"Forgiving{driver.__name__}", (driver,), {"run_input_thread": run_input_thread})
