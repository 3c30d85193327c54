"""When the machine itself stood still: one witness for each processor, which no ordinary process can keep waiting.

A virtual machine gets no processor now and then, or waits for a page that its host has taken away; a kernel may keep
a processor to itself. No program of that machine can be on time then, and a figure taken meanwhile says nothing about
the program. A witness asks for real-time priority above the one that is measured, stays on its processor, and does
nothing but wake each millisecond: where it wakes late, whatever ran there was most likely kept from running.
"""

from __future__ import annotations

import contextlib
import ctypes
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
#: Of Linux's mman.h: its memory is not to be taken away.
MCL_CURRENT, MCL_FUTURE = 1, 2
STANDS = "stands\n"


class Standstills:
    """What the witnesses have told so far: spans on the clock of `time.perf_counter_ns`."""

    def __init__(self, *witnesses: subprocess.Popen[str]) -> None:
        self._witnesses = witnesses
        self._spans: list[tuple[int, int]] = []

    @property
    def has_witnesses(self) -> bool:
        """False: nobody looks, and nothing is told."""
        return bool(self._witnesses)

    def longest_ms(self, from_ns: int, to_ns: int) -> float:
        """The longest standstill that touches a span that is over; 0 where there was none."""
        time.sleep(SETTLE_SECONDS)
        assert all(witness.poll() is None for witness in self._witnesses), "a witness has gone"
        return max((end - start for start, end in self._spans if start < to_ns and end > from_ns), default=0) / 1e6

    def hear(self, lines: Iterator[str]) -> None:
        for line in lines:
            start, end = line.split()
            self._spans.append((int(start), int(end)))


@contextlib.contextmanager
def standstills() -> Iterator[Standstills]:
    """Runs the witnesses; they need the right to real-time priority, and Linux.

    Raises:
        RuntimeError: a witness has not got its priority.
    """
    command = [sys.executable, "-u", "-m", "benchmarks.speed.standstill"]
    with contextlib.ExitStack() as stack:
        witnesses = []
        for processor in os.sched_getaffinity(0):
            witness = stack.enter_context(
                subprocess.Popen([*command, str(processor)], stdout=subprocess.PIPE, text=True)
            )
            stack.callback(witness.terminate)
            witnesses.append(witness)
        heard = Standstills(*witnesses)
        for witness in witnesses:
            assert witness.stdout is not None
            if witness.stdout.readline() != STANDS:
                raise RuntimeError("A witness needs real-time priority.")
            threading.Thread(target=heard.hear, args=(witness.stdout,), daemon=True).start()
        yield heard


def be_witness(processor: int) -> None:
    """Tells each time that it woke late: since when, until when."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    ctypes.CDLL(None).mlockall(MCL_CURRENT | MCL_FUTURE)
    gc.disable()
    os.write(1, STANDS.encode())
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
