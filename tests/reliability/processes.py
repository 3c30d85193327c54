"""The processes of one bridge, seen from outside (Linux): which there are, their memory and their descriptors.

A process that has lost its parent still carries the mark that its bridge was started with, so leaked ones are found.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

#: An environment variable that all processes of a bridge inherit.
MARK = "RELIABILITY_MARK"
#: The child processes by the module that each runs.
MODULES = ("bridge.worker", "bridge.inspector", "bridge.midi.ports.jack_process", "bridge.midi")


def marked(mark: str) -> dict[int, str]:
    """The living processes with this mark: process id → the module that it runs, or its command line."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and not _is_zombie(pid):
                line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
                found[pid] = next((name for name in MODULES if line.endswith(name)), line)
    return found


def resident_bytes(pid: int) -> int:
    """Its memory in RAM, as the kernel counts it; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def descriptors(pid: int) -> int:
    """How many files, sockets and pipes it has open; 0 if it has ended."""
    with contextlib.suppress(OSError):
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    return 0


def send(pid: int | None, number: signal.Signals) -> None:
    """Sends a signal; a process that has ended meanwhile is no error."""
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
