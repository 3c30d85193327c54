"""Detects a stalled audio server: it is running, but starts no period and reads no messages.

A program that continues to send fills RtMidi's buffer, and then waits, holding the interpreter lock, as long as the
server hangs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

from bridge.midi.realtime.thread_priority import share_realtime_scheduling

#: How often the server's clock is read, and how many readings without a change are a stall: one second, five times
#: JACK's longest period of 8192 frames. Readings are counted instead of time, so that a pause of our own does not count
#: as a stall.
POLL_SECONDS = 0.25
STALLED_POLLS = 4

STALL_MESSAGE = (
    "The JACK server is stalled: it is running, but processes no audio. Notes can be played again once it recovers."
)


class Stall(NamedTuple):
    """What the watch puts into the player's inbox."""

    is_stalled: bool
    """False: the server has recovered."""


class StallWatch:
    """Polls `frame`, the server's clock, on its own thread, and reports when it stops and when it continues."""

    def __init__(self, frame: Callable[[], int], report: Callable[[Stall], None]) -> None:
        self._frame = frame
        self._report = report
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

    def poll(self) -> None:
        """Reads the clock once; reports changes only."""
        frame = self._frame()
        if frame == self._seen:
            self._same += 1
            if self._same == STALLED_POLLS:
                self._report(Stall(is_stalled=True))
            return
        if self._same >= STALLED_POLLS:
            self._report(Stall(is_stalled=False))
        self._seen, self._same = frame, 0

    def _watch(self) -> None:
        share_realtime_scheduling()  # it holds the interpreter lock while it polls: must not be preempted
        while not self._over.wait(POLL_SECONDS):
            self.poll()
