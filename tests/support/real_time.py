"""The right to real-time priority: whether this process has it, and how to give it up."""

from __future__ import annotations

import ctypes
import subprocess
import sys

#: From Linux's prctl.h and capability.h.
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23


def succeeds(script: str) -> bool:
    """Whether Python runs the script without an error."""
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def may_have_real_time(priority: int = 1) -> bool:
    """Tested in another process, so that this one keeps its own priority."""
    return succeeds(f"import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param({priority}))")


def give_up_real_time() -> None:
    """From here on no process that is started can get real-time priority, if that can be arranged (as root)."""
    if sys.platform == "linux":
        import resource

        ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
