"""Limits progress to five messages a second for each job; stage changes, results and ends are sent at once, in order.

A stage change is never delayed: within a stage, only so many messages are sent that each second has room for all the
stages still to come. Other messages therefore never have to wait for progress, and a short job ends without delay.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.events import Ended, JobEvent, Progressed
from bridge.model import STAGES
from bridge.protocols import Clock

MAX_PROGRESS = 5
#: A little more than a second: network delay must not put a sixth message into a receiver's second.
WINDOW_SECONDS = 1.05
#: Shortest time between two reports of the same stage.
SPACING_SECONDS = 0.2


@dataclass
class _JobProgress:
    """The progress messages of one job."""

    sent_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_PROGRESS))
    stage: str = ""
    """The stage of the last message sent."""
    waiting: Progressed | None = None
    """The newest report of this stage, not sent yet."""

    def next_seconds(self) -> float:
        """The earliest time at which the waiting report may be sent."""
        slots = MAX_PROGRESS - (len(STAGES) - 1 - STAGES.index(self.stage))
        times = [self.sent_seconds[-1] + SPACING_SECONDS]
        if len(self.sent_seconds) >= slots:
            times.append(self.sent_seconds[-slots] + WINDOW_SECONDS)
        return max(times)

    def send(self, progress: Progressed, now: float) -> Progressed:
        self.sent_seconds.append(now)
        self.stage, self.waiting = progress.stage, None
        return progress


class ProgressLimit:
    """Drops progress within a stage that comes too fast; everything else passes at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, _JobProgress] = {}

    def admit(self, event: JobEvent) -> list[JobEvent]:
        """Takes one event; returns the events of its job to send now, in order."""
        job = self._jobs.setdefault(event.job, _JobProgress())
        if not isinstance(event, Progressed):
            job.waiting = None  # sent after this event, it would be out of date
            if isinstance(event, Ended):
                del self._jobs[event.job]
            return [event]
        if event.stage != job.stage:
            return [job.send(event, self._clock.monotonic_seconds())]
        job.waiting = event
        return self._release(job)

    def release(self) -> list[JobEvent]:
        """The waiting reports whose time has come."""
        return [event for job in self._jobs.values() for event in self._release(job)]

    def wait_seconds(self) -> float | None:
        """The time until `release` returns something; None: nothing is waiting."""
        times = [job.next_seconds() for job in self._jobs.values() if job.waiting is not None]
        return max(0.0, min(times) - self._clock.monotonic_seconds()) if times else None

    def _release(self, job: _JobProgress) -> list[JobEvent]:
        now = self._clock.monotonic_seconds()
        if job.waiting is None or now < job.next_seconds():
            return []
        return [job.send(job.waiting, now)]
