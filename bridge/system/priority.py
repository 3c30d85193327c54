"""Which program goes first where the processor has more to do than it can."""

from __future__ import annotations

import os
import sys

#: As `nice` counts it: what computes for long gives way to a DAW, and to the screen; what a screen would only like to
#: show gives way to both.
COMPUTING, SHOWING = 5, 10


def give_way(steps: int) -> None:
    """Lets programs of usual priority go first; on a machine that has time for all, nothing changes."""
    if sys.platform == "win32":
        import psutil

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(steps)
