"""Whether a JACK server that is there takes clients, asked so that nobody waits for one that does not."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from bridge.errors import EngineFailed

#: A server that lives takes a client within a few periods, and within half a second where one of its own was killed.
PATIENCE_SECONDS = 3.0


class JackProbe:
    """Opens a client, and closes it, on a thread of its own: that takes as long as the server hangs.

    RtMidi would wait as long, and keep the interpreter. A thread that hangs is left alone until the server has gone on
    or is gone, and is no reason to start another. `open_and_close` may raise OSError or EngineFailed.
    """

    def __init__(self, open_and_close: Callable[[], object], patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._open_and_close = open_and_close
        self._patience_seconds = patience_seconds
        self._asking: threading.Thread | None = None

    def hangs(self) -> bool:
        """True where a server is there and does not answer; False where one answers, or none is there."""
        patience = 0.0
        if self._asking is None or not self._asking.is_alive():
            self._asking = threading.Thread(target=self._ask, name="jack probe", daemon=True)
            self._asking.start()
            patience = self._patience_seconds
        self._asking.join(patience)
        return self._asking.is_alive()

    def _ask(self) -> None:
        with contextlib.suppress(OSError, EngineFailed):  # no server is an answer too
            self._open_and_close()
