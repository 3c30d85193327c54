"""An audio server that stands still: it lives, but begins no period, and takes nothing that is sent to it.

Whoever goes on sending fills RtMidi's buffer, and then waits, with the interpreter, for as long as the server hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from bridge.midi.realtime.thread_priority import share_realtime_scheduling

#: How often the server's clock is looked at, and how many looks without a change are a stall: a second, of which the
#: longest period that JACK has, 8192 frames, is a fifth. Looks are counted, so that no sleep of ours counts as one.
LOOK_SECONDS = 0.25
LOOKS = 4

STANDS_STILL = "The JACK server stands still: it lives, but plays nothing. The notes can go on as soon as it does."


class Stall(NamedTuple):
    """What the watch puts into the player's inbox."""

    lasts: bool
    """False: it is over."""


class StallWatch:
    """Looks at `frame`, the server's clock, on a thread of its own, and tells when it stops and when it goes on."""

    def __init__(self, frame: Callable[[], int], tell: Callable[[Stall], None]) -> None:
        self._frame = frame
        self._tell = tell
        self._seen: int | None = None
        self._same = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall", daemon=True)

    def __enter__(self) -> StallWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """One look; told are changes only."""
        frame = self._frame()
        if frame == self._seen:
            self._same += 1
            if self._same == LOOKS:
                self._tell(Stall(lasts=True))
            return
        if self._same >= LOOKS:
            self._tell(Stall(lasts=False))
        self._seen, self._same = frame, 0

    def _watch(self) -> None:
        share_realtime_scheduling()  # who looks holds the interpreter, and is not to be kept from giving it back
        while not self._over.wait(LOOK_SECONDS):
            self.look()
