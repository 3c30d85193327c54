"""RealtimeKit: real-time priority on a Linux desktop for who has no right to it, as audio servers get theirs there.

A service on the system's D-Bus. It gives a thread `SCHED_RR` where the process has first limited how long one may
run without a pause (RLIMIT_RTTIME): who runs on is sent SIGXCPU, and is killed at the limit. Our answer to SIGXCPU is
to be an ordinary process again.

`python -m bridge.midi.realtime.realtime_kit PROCESS PRIORITY THREAD…` asks, in a process of its own: whatever a bus
answers, or does not, costs its caller nothing but time. After the README and rtkit-daemon.c of RealtimeKit 0.13.
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

#: Until the asking process has its answers; the service may have to be started first.
ANSWER_SECONDS = 3.0
#: The longest that RealtimeKit lets one be unless its machine's owner says otherwise, and when to be told before.
LONGEST_RUN_US, LONG_RUN_US = 200_000, 100_000


def ask_for_real_time(threads: Sequence[int], priority: int) -> bool:
    """Whether these threads of this process (`threading.get_native_id`) have the priority now; else none of ours has.

    False wherever that cannot be had: no D-Bus, no such service, not allowed. The first call is the main thread's,
    which hears the signal; later ones may be any thread's.
    """
    _limit_runs()
    asking = [sys.executable, "-m", __name__, str(os.getpid()), str(priority), *map(str, threads)]
    try:
        asked = subprocess.run(asking, capture_output=True, check=False, timeout=ANSWER_SECONDS)  # noqa: S603 - ourselves
    except (OSError, subprocess.TimeoutExpired):
        given = False
    else:
        given = asked.returncode == 0
    if not given:
        give_back_priority()
    return given


def own_threads() -> tuple[int, ...]:
    """All threads of this process, whoever started them; the main one first."""
    return tuple(sorted((int(thread.name) for thread in Path("/proc/self/task").iterdir()), key=_is_other))


def give_back_priority() -> None:
    """All threads of this process are ordinary ones again."""
    for thread in own_threads():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def _limit_runs() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    if hard == resource.RLIM_INFINITY or hard > LONGEST_RUN_US:
        signal.signal(signal.SIGXCPU, _ran_for_too_long)
        resource.setrlimit(resource.RLIMIT_RTTIME, (LONG_RUN_US, LONGEST_RUN_US))


def _ran_for_too_long(*_: object) -> None:
    give_back_priority()
    with contextlib.suppress(OSError):
        os.write(2, b"at real-time priority for too long without a pause: without it from here on\n")


def _is_other(thread: int) -> bool:
    return thread != os.getpid()


def main() -> None:
    """Ends without success where one thread was refused."""
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
