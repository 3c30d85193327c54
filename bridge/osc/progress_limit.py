"""At most five progress messages a second for each job, while stages, results and ends are told at once and in order.

A stage that changes never waits: within a stage only as many messages go as leave room, in any second, for the stages
that are still to come. So nothing has to be held back behind progress, and a job that takes a moment ends in a moment.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.events import Ended, JobEvent, Progressed
from bridge.model import STAGES
from bridge.protocols import Clock

MAX_PROGRESS = 5
#: A little more than a second: a delay on the way must not bring a sixth message into somebody's second.
WINDOW_SECONDS = 1.05
#: Between two reports of the same stage.
SPACING_SECONDS = 0.2


@dataclass
class _Pace:
    """One job's progress."""

    sent_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_PROGRESS))
    stage: str = ""
    """That of the message sent last."""
    waiting: Progressed | None = None
    """The newest report of this stage that has not been sent."""

    def next_seconds(self) -> float:
        """The moment from which the report that waits may go."""
        places = MAX_PROGRESS - (len(STAGES) - 1 - STAGES.index(self.stage))
        moments = [self.sent_seconds[-1] + SPACING_SECONDS]
        if len(self.sent_seconds) >= places:
            moments.append(self.sent_seconds[-places] + WINDOW_SECONDS)
        return max(moments)

    def send(self, progress: Progressed, now: float) -> Progressed:
        self.sent_seconds.append(now)
        self.stage, self.waiting = progress.stage, None
        return progress


class ProgressLimit:
    """Thins out the progress within a stage; everything else passes as it comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[str, _Pace] = {}

    def admit(self, event: JobEvent) -> list[JobEvent]:
        """Takes one event; returns those of its job that go now, in order."""
        pace = self._paces.setdefault(event.job, _Pace())
        if not isinstance(event, Progressed):
            pace.waiting = None  # told after this, it would be old
            if isinstance(event, Ended):
                del self._paces[event.job]
            return [event]
        if event.stage != pace.stage:
            return [pace.send(event, self._clock.monotonic_seconds())]
        pace.waiting = event
        return self._release(pace)

    def release(self) -> list[JobEvent]:
        """What has waited long enough."""
        return [event for pace in self._paces.values() for event in self._release(pace)]

    def wait_seconds(self) -> float | None:
        """How long until `release` has something; None: nothing waits."""
        moments = [pace.next_seconds() for pace in self._paces.values() if pace.waiting is not None]
        return max(0.0, min(moments) - self._clock.monotonic_seconds()) if moments else None

    def _release(self, pace: _Pace) -> list[JobEvent]:
        now = self._clock.monotonic_seconds()
        if pace.waiting is None or now < pace.next_seconds():
            return []
        return [pace.send(pace.waiting, now)]
