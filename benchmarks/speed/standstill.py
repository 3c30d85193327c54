"""Detects when the machine itself stood still: one witness for each processor, which no ordinary process can delay.

A virtual machine sometimes gets no processor, or waits for a page that its host has taken away; a kernel may keep a
processor to itself. Then no program on that machine can be on time, and a measurement says nothing about the program. A
witness takes real-time priority above the program that is measured, stays on its processor, and does nothing but wake
up each millisecond: if it wakes up late, everything else on that processor was most likely delayed, too.
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
#: A witness reports from this lateness on; some microseconds are Python's own.
LATE_NS = 1_000_000
#: Above the player's 1, below a sound card's.
PRIORITY = 2
#: Until the reports of a witness have come through its pipe.
SETTLE_SECONDS = 0.1
#: From Linux's mman.h: the witness's memory must not be paged out.
MCL_CURRENT, MCL_FUTURE = 1, 2
STANDS = "stands\n"


class Standstills:
    """The standstills reported by the witnesses: (start, end) on the clock of `time.perf_counter_ns`."""

    def __init__(self, *witnesses: subprocess.Popen[str]) -> None:
        self._witnesses = witnesses
        self._spans: list[tuple[int, int]] = []

    @property
    def has_witnesses(self) -> bool:
        """False: nothing is measured."""
        return bool(self._witnesses)

    def longest_ms(self, from_ns: int, to_ns: int) -> float:
        """The longest standstill that overlaps a finished interval; 0 if there was none."""
        time.sleep(SETTLE_SECONDS)
        assert all(witness.poll() is None for witness in self._witnesses), "a witness has ended"
        return max((end - start for start, end in self._spans if start < to_ns and end > from_ns), default=0) / 1e6

    def read(self, lines: Iterator[str]) -> None:
        for line in lines:
            start, end = line.split()
            self._spans.append((int(start), int(end)))


@contextlib.contextmanager
def standstills() -> Iterator[Standstills]:
    """Runs the witnesses; requires the right to real-time priority, and Linux.

    Raises:
        RuntimeError: a witness did not get its priority.
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
        found = Standstills(*witnesses)
        for witness in witnesses:
            assert witness.stdout is not None
            if witness.stdout.readline() != STANDS:
                raise RuntimeError("A witness needs real-time priority.")
            threading.Thread(target=found.read, args=(witness.stdout,), daemon=True).start()
        yield found


def be_witness(processor: int) -> None:
    """Reports each late wake-up: since when, until when."""
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
