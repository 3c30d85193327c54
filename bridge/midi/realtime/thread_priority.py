"""How the player gets the processor at the moment a note is due, as far as the system lets an ordinary program ask."""

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

#: The lowest real-time priority: the audio server and its clients keep theirs above it.
PRIORITY = 1
#: linux/prctl.h
_PR_SET_TIMERSLACK = 29
#: sched_setattr(2) by machine; libc has no function for it.
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}
#: The shortest that Linux grants.
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
    """Asks for all that helps; what is refused is done without.

    For the calling thread, which is to keep the time, and for those it starts: one that holds the interpreter and is
    kept from running holds up the notes, too. `keep_realtime_scheduling` ends that.
    """
    if sys.platform == "linux":
        _set_timer_slack()
        if not _take_real_time():
            # For the threads to come: that one of them runs for too long is told to the main thread, which can act.
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
            _take_short_slices()
    with _fine_timer():
        yield


def keep_realtime_scheduling() -> None:
    """From here on threads that are started do not inherit real-time priority: those of audio libraries know theirs.

    Where the system refused it, those that run already get it from the desktop, if it has any to give. A later one of
    ours that runs Python beside the notes asks with `share_realtime_scheduling`.
    """
    if sys.platform == "linux":
        if _has_real_time(0):
            _take_real_time(os.SCHED_RESET_ON_FORK)
        else:
            _be_given_real_time()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGXCPU})


def share_realtime_scheduling() -> None:
    """For the calling thread, as `realtime_scheduling()`; nothing where that was refused."""
    if sys.platform == "linux" and not _take_real_time(os.SCHED_RESET_ON_FORK) and _has_real_time(os.getpid()):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
        _be_given_real_time(threading.get_native_id())


def player_gets_real_time() -> bool:
    """Whether this user's player has real-time priority on this Linux: asked for by a process of its own."""
    probe = [sys.executable, "-m", __name__]
    try:
        return subprocess.run(probe, capture_output=True, check=False, timeout=10.0).returncode == 0  # noqa: S603 - ours
    except subprocess.TimeoutExpired:
        return False


def _take_real_time(flags: int = 0) -> bool:
    """No ordinary process delays a note then; Linux allows it to members of most `audio` groups."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR | flags, os.sched_param(PRIORITY))
            return True
    return False


def _has_real_time(thread: int) -> bool:
    return sys.platform == "linux" and os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK == os.SCHED_RR


def _be_given_real_time(*threads: int) -> None:
    """By RealtimeKit, as many desktops have it for whoever sits before them; to all threads where none is named."""
    from bridge.midi.realtime.realtime_kit import ask_for_real_time, own_threads  # only Linux has D-Bus

    ask_for_real_time(threads or own_threads(), PRIORITY)


def _set_timer_slack() -> None:
    """A wait is otherwise up to 50 µs longer than asked for, so that the system can wake several at once."""
    ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)


def _take_short_slices() -> None:
    """Who runs briefly goes before who computes for long (Linux from 6.12 on; an earlier one takes no notice)."""
    number = _SCHED_SETATTR.get(platform.machine())
    if number is not None and sys.platform == "linux":
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        wanted = _SchedulingAttributes(ctypes.sizeof(_SchedulingAttributes), os.SCHED_OTHER, 0, nice, 0, _SLICE_NS)
        ctypes.CDLL(None).syscall(number, 0, ctypes.byref(wanted), 0)


@contextlib.contextmanager
def _fine_timer() -> Iterator[None]:
    """On Windows a wait is otherwise rounded up to the next of 64 ticks a second."""
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
