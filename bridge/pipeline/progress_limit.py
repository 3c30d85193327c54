"""Limits a job's progress to five events a second. Nothing behind it limits progress again.

A change of stage is never delayed: within a stage, only so many events are sent that each second has room for all the
stages still to come.
"""

from __future__ import annotations

from collections import deque

from bridge.model import STAGES, Stage

MAX_PROGRESS = 5
#: More than a second: what delays events on their way to a receiver must not put a sixth into its second.
WINDOW_SECONDS = 1.2


class ProgressLimit:
    """Counts a job's progress events from `now` on, when `Submitted` has counted as one."""

    def __init__(self, now: float) -> None:
        self._sent_seconds = deque([now], maxlen=MAX_PROGRESS)

    def has_room(self, stage: Stage, now: float) -> bool:
        """Whether another event of the current stage may be sent."""
        slots = MAX_PROGRESS - (len(STAGES) - 1 - STAGES.index(stage))
        times = [self._sent_seconds[-1] + WINDOW_SECONDS / slots]
        if len(self._sent_seconds) >= slots:
            times.append(self._sent_seconds[-slots] + WINDOW_SECONDS)
        return now >= max(times)

    def count(self, now: float) -> None:
        """An event is sent now: one for which there was room, or the first of a stage."""
        self._sent_seconds.append(now)
