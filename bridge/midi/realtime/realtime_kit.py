"""RealtimeKit: real-time priority on a Linux desktop for processes without the right to it, as audio servers get
theirs.

It is a service on D-Bus. It gives a thread `SCHED_RR` if the process has first limited how long a thread may run
without a pause (RLIMIT_RTTIME): a thread that exceeds the soft limit is sent SIGXCPU, and the process is killed at the
hard limit. On SIGXCPU we give up the priority.

`python -m bridge.midi.realtime.realtime_kit PROCESS PRIORITY THREAD…` sends the request from a separate process: a bus
that misbehaves or does not answer costs the caller nothing but time. After the README and rtkit-daemon.c of RealtimeKit
0.13.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.system.own_program import own_program

MODULE = "bridge.midi.realtime.realtime_kit"
#: Time for the requesting process to finish; the service may have to be started first.
ANSWER_SECONDS = 3.0
#: Hard limit, the highest that RealtimeKit accepts by default, and soft limit for SIGXCPU.
LONGEST_RUN_US, LONG_RUN_US = 200_000, 100_000


def request_real_time(threads: Sequence[int], priority: int) -> bool:
    """True if these threads of this process (`threading.get_native_id`) got the priority; otherwise none has it.

    False if it cannot be had: no D-Bus, no such service, or not allowed. The first call must be on the main thread,
    which handles the signal; later calls may be on any thread.
    """
    _limit_runs()
    command = own_program(MODULE, str(os.getpid()), str(priority), *map(str, threads))
    try:
        finished = subprocess.run(command, capture_output=True, check=False, timeout=ANSWER_SECONDS)  # noqa: S603 - ourselves
    except (OSError, subprocess.TimeoutExpired):
        granted = False
    else:
        granted = finished.returncode == 0
    if not granted:
        drop_real_time()
    return granted


def process_threads() -> tuple[int, ...]:
    """All threads of this process, including those started by libraries; the main thread first."""
    return tuple(sorted((int(thread.name) for thread in Path("/proc/self/task").iterdir()), key=_is_other))


def drop_real_time() -> None:
    """Gives all threads of this process ordinary scheduling again."""
    for thread in process_threads():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def _limit_runs() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    if hard == resource.RLIM_INFINITY or hard > LONGEST_RUN_US:
        signal.signal(signal.SIGXCPU, _ran_for_too_long)
        resource.setrlimit(resource.RLIMIT_RTTIME, (LONG_RUN_US, LONGEST_RUN_US))


def _ran_for_too_long(*_: object) -> None:
    drop_real_time()
    with contextlib.suppress(OSError):
        os.write(2, b"a thread ran for too long at real-time priority; the process continues at ordinary priority\n")


def _is_other(thread: int) -> bool:
    return thread != os.getpid()


def main() -> None:
    """Exits with an error if one thread was refused."""
    from jeepney import DBusAddress, new_method_call  # type: ignore[import-untyped]  # it ships no types
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
    from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

    process, priority, *threads = map(int, sys.argv[1:])
    name = "org.freedesktop.RealtimeKit1"
    service = DBusAddress("/org/freedesktop/RealtimeKit1", name, name)
    with open_dbus_connection("SYSTEM") as bus:
        for thread in threads:
            call = new_method_call(service, "MakeThreadRealtimeWithPID", "ttu", (process, thread, priority))
            unwrap_msg(bus.send_and_get_reply(call))


if __name__ == "__main__":
    main()
