"""RealtimeKit: real-time priority on a Linux desktop for who has no right to it, as audio servers get theirs there.

A service on the system's D-Bus. It gives a thread `SCHED_RR` where the process has first limited how long one may
run without a pause (RLIMIT_RTTIME): who runs on is sent SIGXCPU, and is killed at the limit. Our answer to SIGXCPU is
to be an ordinary process again.

After the README and rtkit-daemon.c of RealtimeKit 0.13.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Collection
from pathlib import Path
from typing import Any

from jeepney import (  # type: ignore[import-untyped]  # it ships no types
    DBusAddress,
    DBusErrorResponse,
    Message,
    Properties,
    new_method_call,
)
from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]
from jeepney.wrappers import unwrap_msg  # type: ignore[import-untyped]

#: For each answer; the service may have to be started first.
ANSWER_SECONDS = 2.0
_SERVICE = DBusAddress("/org/freedesktop/RealtimeKit1", "org.freedesktop.RealtimeKit1", "org.freedesktop.RealtimeKit1")
#: Where there is no bus, or it is none, or refuses, or answers something else.
_ERRORS = (OSError, ValueError, TypeError, RuntimeError, DBusErrorResponse)


def ask_for_real_time(threads: Collection[int], priority: int) -> bool:
    """Whether these threads of this process (`threading.get_native_id`) have the priority now.

    False wherever that cannot be had: no D-Bus, no such service, not allowed, too many asked. To be called on the main
    thread once, or on others once it was.
    """
    try:
        with open_dbus_connection("SYSTEM", auth_timeout=ANSWER_SECONDS) as bus:

            def answer(message: Message) -> Any:
                return unwrap_msg(bus.send_and_get_reply(message, timeout=ANSWER_SECONDS))

            (_, longest_us), *_ = answer(Properties(_SERVICE).get("RTTimeUSecMax"))
            _limit_runs(longest_us)
            for thread in threads:
                answer(new_method_call(_SERVICE, "MakeThreadRealtime", "tu", (thread, priority)))
    except _ERRORS:
        return False
    return True


def own_threads() -> tuple[int, ...]:
    """All threads of this process, whoever started them."""
    return tuple(int(thread.name) for thread in Path("/proc/self/task").iterdir())


def _limit_runs(longest_us: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    if hard == resource.RLIM_INFINITY or hard > longest_us:
        signal.signal(signal.SIGXCPU, lambda *_: give_back())
        resource.setrlimit(resource.RLIMIT_RTTIME, (longest_us // 2, longest_us))


def give_back() -> None:
    """All threads of this process are ordinary ones again."""
    os.write(2, b"at real-time priority for too long without a pause: without it from here on\n")
    for thread in own_threads():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
