"""What asks the bridge to end in order: Ctrl-C, a signal, or the closing of its terminal's window."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from types import FrameType

#: Signals that come so soon after the first one are of the same wish to end: `timeout` signals its child and then the
#: child's group, and a terminal's Ctrl-C reaches both a program and the one that passes it on.
TOGETHER_SECONDS = 0.5
#: Shows the cursor, which a progress bar hides.
_SHOW_CURSOR = b"\x1b[?25h"


def hangup_signals() -> tuple[signal.Signals, ...]:
    """SIGHUP, which closing a terminal's window sends; not on Windows, nor where it is ignored, as under `nohup`."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        return (signal.SIGHUP,)
    return ()


@asynccontextmanager
async def interruption() -> AsyncIterator[asyncio.Event]:
    """An event that Ctrl-C, a signal or the closing of the window sets while the block runs.

    A second signal ends the process at once, if it is a second wish: see `TOGETHER_SECONDS`. A second SIGHUP does not:
    a shell in a closed window passes on its own, and the system sends another when the shell ends.
    """
    loop = asyncio.get_running_loop()
    interrupted = asyncio.Event()
    hangups = hangup_signals()
    first_seconds: float | None = None

    def interrupt(number: int, _: object) -> None:
        nonlocal first_seconds
        now = time.monotonic()
        if first_seconds is None:
            first_seconds = now
        elif number not in hangups and now - first_seconds > TOGETHER_SECONDS:
            _end_at_once(number)
        loop.call_soon_threadsafe(interrupted.set)

    numbers = [signal.SIGINT, signal.SIGTERM, *hangups]
    if sys.platform == "win32":
        numbers.append(signal.SIGBREAK)
    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        with closing_window(lambda: loop.call_soon_threadsafe(interrupted.set)):
            yield interrupted
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def signals_as_ctrl_c() -> Iterator[None]:
    """SIGTERM and SIGHUP do what Ctrl-C does while the block runs: what is open is closed on the way out.

    A second SIGHUP does nothing, as in `interruption`.
    """
    hung_up = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal hung_up
        if number in hangups and hung_up:
            return
        hung_up = number in hangups
        on_ctrl_c = signal.getsignal(signal.SIGINT)
        if not callable(on_ctrl_c):  # ignored: a script has started us in the background
            raise KeyboardInterrupt
        on_ctrl_c(signal.SIGINT, frame)

    hangups = hangup_signals()
    numbers = (signal.SIGTERM, *hangups) if threading.current_thread() is threading.main_thread() else ()
    previous = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end_at_once(number: int) -> None:
    """Ends the process as the signal does by default; the bridge's children end with it."""
    with suppress(OSError):
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR)
    if sys.platform != "win32":
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(130)


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    #: CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT and CTRL_SHUTDOWN_EVENT, which Python does not turn into signals.
    _CLOSING_EVENTS = (2, 5, 6)
    #: Windows ends the process 5 s after such an event, or as soon as its handler returns.
    _CLOSE_SECONDS = 4.5

    @contextmanager
    def closing_window(on_close: Callable[[], object]) -> Iterator[None]:
        """Calls `on_close`, on another thread, when the console's window closes; the end of the block is waited for."""
        ended = threading.Event()

        def handle(event: int) -> bool:
            if event not in _CLOSING_EVENTS:
                return False
            on_close()
            ended.wait(_CLOSE_SECONDS)
            return True

        kernel = ctypes.windll.kernel32
        handler = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.DWORD)(handle)
        kernel.SetConsoleCtrlHandler(handler, True)
        try:
            yield
        finally:
            ended.set()
            kernel.SetConsoleCtrlHandler(handler, False)

else:

    @contextmanager
    def closing_window(on_close: Callable[[], object]) -> Iterator[None]:  # noqa: ARG001 – SIGHUP says it here
        """Calls nothing: elsewhere a signal says that the window closes."""
        yield
