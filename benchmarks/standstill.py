"""When the machine itself stood still: one witness for each processor, which nothing but the machine can keep waiting.

A virtual machine gets no processor now and then, or waits for a page that its host has taken away; a kernel may keep
a processor to itself. No program of that machine can be on time then, and a figure taken meanwhile says nothing about
the program. A witness asks for real-time priority above the one that is measured, stays on its processor, and does
nothing but wake each millisecond: where it wakes late, whatever ran there was kept from running.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

PERIOD_NS = 1_000_000
#: A witness that is this late tells; some microseconds are Python's own.
LATE_NS = 1_000_000
#: Above the player's 1, below a sound card's.
PRIORITY = 2
#: Until what a witness told has come through its pipe.
SETTLE_SECONDS = 0.1


class Standstills:
    """What the witnesses have told so far: spans on the clock of `time.perf_counter_ns`."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []

    def longest_ms(self, from_ns: int, to_ns: int) -> float:
        """The longest standstill that touches a span that is over; 0 where there was none."""
        time.sleep(SETTLE_SECONDS)
        return max((end - start for start, end in self._spans if start < to_ns and end > from_ns), default=0) / 1e6

    def hear(self, lines: Iterator[str]) -> None:
        for line in lines:
            start, end = line.split()
            self._spans.append((int(start), int(end)))


@contextlib.contextmanager
def standstills() -> Iterator[Standstills]:
    """Runs the witnesses; they need the right to real-time priority, and Linux."""
    heard = Standstills()
    command = [sys.executable, "-u", "-m", "benchmarks.standstill"]
    witnesses = [
        subprocess.Popen([*command, str(processor)], stdout=subprocess.PIPE, text=True)
        for processor in os.sched_getaffinity(0)
    ]
    listeners = [threading.Thread(target=heard.hear, args=(witness.stdout,)) for witness in witnesses]
    for listener in listeners:
        listener.start()
    try:
        yield heard
    finally:
        for witness in witnesses:
            witness.terminate()
        for listener in listeners:
            listener.join()
        for witness in witnesses:
            witness.wait()


def be_witness(processor: int) -> None:
    """Tells each time that it woke late: since when, until when."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    gc.disable()
    due_ns = time.perf_counter_ns()
    while True:
        due_ns += PERIOD_NS
        time.sleep(max(0, due_ns - time.perf_counter_ns()) / 1e9)
        now_ns = time.perf_counter_ns()
        if now_ns - due_ns > LATE_NS:
            os.write(1, f"{due_ns} {now_ns}\n".encode())
            due_ns = now_ns


if __name__ == "__main__":
    be_witness(int(sys.argv[1]))
