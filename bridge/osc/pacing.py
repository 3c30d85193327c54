"""At most five progress messages a second for each job, without losing a change of stage or the last word."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from bridge.events import Ended, JobEvent, Progressed
from bridge.protocols import Clock

MAX_PROGRESS = 5
#: A little more than a second: a delay on the way must not bring a sixth message into somebody's second.
WINDOW_SECONDS = 1.05
#: Between two reports of the same stage; leaves one place in each second for a change of stage.
SPACING_SECONDS = 0.25


@dataclass
class _Pace:
    """One job's progress."""

    sent_seconds: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_PROGRESS))
    stage: str = ""
    """That of the message sent last."""
    waiting: list[Progressed] = field(default_factory=list)
    """The newest of each stage, in order."""
    ended: Ended | None = None
    """Waits until the progress before it is out."""

    def next_seconds(self) -> float:
        """The moment from which the first that waits may go; in the past where nothing holds it."""
        moments = [0.0]
        if len(self.sent_seconds) == MAX_PROGRESS:
            moments.append(self.sent_seconds[0] + WINDOW_SECONDS)
        if self.sent_seconds and self.waiting and self.waiting[0].stage == self.stage:
            moments.append(self.sent_seconds[-1] + SPACING_SECONDS)
        return max(moments)


class ProgressPacer:
    """Holds progress back until its time; everything else passes, only a job's end stays behind its progress."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paces: dict[str, _Pace] = {}

    def admit(self, event: JobEvent) -> list[JobEvent]:
        """Takes one event; returns those of its job that may go now, in order."""
        if not isinstance(event, (Progressed, Ended)):
            return [event]
        pace = self._paces.setdefault(event.job, _Pace())
        if isinstance(event, Ended):
            pace.ended = event
        elif pace.ended is None:
            if pace.waiting and pace.waiting[-1].stage == event.stage:
                pace.waiting.pop()
            pace.waiting.append(event)
        return self._release(event.job, pace)

    def release(self) -> list[JobEvent]:
        """What has waited long enough."""
        return [event for job, pace in list(self._paces.items()) for event in self._release(job, pace)]

    def drain(self) -> list[JobEvent]:
        """All that waits, because there is no later."""
        held: list[JobEvent] = []
        for pace in self._paces.values():
            held += pace.waiting
            held += [pace.ended] if pace.ended is not None else []
        self._paces.clear()
        return held

    def wait_seconds(self) -> float | None:
        """How long until `release` has something; None: nothing waits."""
        moments = [pace.next_seconds() for pace in self._paces.values() if pace.waiting]
        return max(0.0, min(moments) - self._clock.monotonic_seconds()) if moments else None

    def _release(self, job: str, pace: _Pace) -> list[JobEvent]:
        now = self._clock.monotonic_seconds()
        ready: list[JobEvent] = []
        while pace.waiting and pace.next_seconds() <= now:
            progress = pace.waiting.pop(0)
            pace.sent_seconds.append(now)
            pace.stage = progress.stage
            ready.append(progress)
        if pace.ended is not None and not pace.waiting:
            ready.append(pace.ended)
            del self._paces[job]
        return ready
