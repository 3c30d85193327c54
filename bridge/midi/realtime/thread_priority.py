"""Gets the processor for the player when a note is due, as far as the system lets an ordinary program ask for it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

from bridge.system.own_program import own_program

#: As a program, this module says whether it got real-time priority.
MODULE = "bridge.midi.realtime.thread_priority"
#: The lowest real-time priority: the audio server and its clients stay above it.
PRIORITY = 1
#: linux/prctl.h
_PR_SET_TIMERSLACK = 29
#: Number of the system call sched_setattr(2) by machine; libc has no function for it.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
#: The shortest time slice that Linux grants.
_SLICE_NS = 100_000


class _SchedulingAttributes(ctypes.Structure):
    """struct sched_attr of linux/sched/types.h, its first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime_ns", ctypes.c_uint64),
        ("deadline_ns", ctypes.c_uint64),
        ("period_ns", ctypes.c_uint64),
    )


@contextlib.contextmanager
def realtime_scheduling() -> Iterator[None]:
    """Requests every scheduling improvement that the system offers; continues without those that it refuses.

    Applies to the calling thread, which keeps the time, and to the threads that it starts: a thread that is preempted
    while it holds the interpreter lock delays the notes, too. `keep_realtime_scheduling` ends the inheritance.
    """
    if sys.platform == "linux":
        _set_timer_slack()
        if not _set_real_time():
            # Inherited by later threads, so that SIGXCPU is delivered to the main thread, which can handle it.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
            _take_short_slices()
    with _fine_timer():
        yield


def keep_realtime_scheduling() -> None:
    """From here on new threads do not inherit real-time priority: audio libraries set the priority of their own
    threads.

    If the system refused it, RealtimeKit is asked for all running threads. A thread of ours that is started later and
    runs Python during playback calls `share_realtime_scheduling`.
    """
    if sys.platform == "linux":
        if _has_real_time(0):
            _set_real_time(os.SCHED_RESET_ON_FORK)
        else:
            _request_from_realtime_kit()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGXCPU})


def share_realtime_scheduling() -> None:
    """Gives the calling thread the same scheduling as `realtime_scheduling()`; does nothing if that was refused."""
    if sys.platform == "linux" and not _set_real_time(os.SCHED_RESET_ON_FORK) and _has_real_time(os.getpid()):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
        _request_from_realtime_kit(threading.get_native_id())


def player_gets_real_time() -> bool:
    """Whether this user's player gets real-time priority on this Linux system: tested in a separate process."""
    probe = own_program(MODULE)
    try:
        return subprocess.run(probe, capture_output=True, check=False, timeout=10.0).returncode == 0  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return False


def _set_real_time(flags: int = 0) -> bool:
    """Then no ordinary process delays a note; most distributions allow it to members of the group `audio`."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR | flags, os.sched_param(PRIORITY))
            return True
    return False


def _has_real_time(thread: int) -> bool:
    return sys.platform == "linux" and os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR


def _request_from_realtime_kit(*threads: int) -> None:
    """From RealtimeKit, which many desktops run for the logged-in user; for all threads if none is named."""
    from bridge.midi.realtime.realtime_kit import process_threads, request_real_time  # only Linux has D-Bus

    request_real_time(threads or process_threads(), PRIORITY)


def _set_timer_slack() -> None:
    """Otherwise a sleep takes up to 50 µs longer than asked for, because the system groups wake-ups."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def _take_short_slices() -> None:
    """Short-running threads are scheduled first (Linux from 6.12 on; earlier versions ignore the request)."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None and sys.platform == "linux":
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = _SchedulingAttributes(ctypes.sizeof(_SchedulingAttributes), os.SCHED_OTHER, 0, nice, 0, _SLICE_NS)
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0)


@contextlib.contextmanager
def _fine_timer() -> Iterator[None]:
    """Otherwise Windows rounds a sleep up to the next of 64 ticks per second."""
    if sys.platform == "win32":
        multimedia = ctypes.WinDLL("winmm")
        multimedia.timeBeginPeriod(1)
        try:
            yield
        finally:
            multimedia.timeEndPeriod(1)
    else:
        yield


if __name__ == "__main__":
    with realtime_scheduling():
        keep_realtime_scheduling()
        sys.exit(not _has_real_time(0))
