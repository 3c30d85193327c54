"""Checks whether a JACK server accepts clients, without waiting for one that hangs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from bridge.errors import EngineFailed

#: A healthy server accepts a client within a few periods, or half a second if one of its clients was killed.
TIMEOUT_SECONDS = 3.0


class JackProbe:
    """Opens and closes a client on its own thread, which blocks as long as the server hangs.

    RtMidi would block as long, and hold the interpreter lock. A blocked thread is left alone until the server recovers
    or is gone, and no second one is started. `open_and_close` may raise OSError or EngineFailed.
    """

    def __init__(self, open_and_close: Callable[[], object], timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._open_and_close = open_and_close
        self._timeout_seconds = timeout_seconds
        self._thread: threading.Thread | None = None

    def hangs(self) -> bool:
        """True if a server is there but does not answer; False if one answers, or there is none."""
        timeout = 0.0
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="jack probe", daemon=True)
            self._thread.start()
            timeout = self._timeout_seconds
        self._thread.join(timeout)
        return self._thread.is_alive()

    def _run(self) -> None:
        with contextlib.suppress(OSError, EngineFailed):  # "no server" is an answer, too
            self._open_and_close()
