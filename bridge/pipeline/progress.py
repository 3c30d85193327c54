"""A job's progress as a person wants it: one bar that never falls, and a guess of the time left."""

from __future__ import annotations

from collections.abc import Callable

from bridge.events import Progressed
from bridge.model import Stage
from bridge.protocols import Clock

#: Where each stage's share of the bar ends.
SHARE_ENDS: dict[Stage, float] = {
    "queued": 0.0,
    "loading": 0.05,
    "separating": 0.8,
    "transcribing": 0.98,
    "writing": 1.0,
}
#: A screen or a Max patch can use no more than this; every change of stage and every end passes nevertheless.
MOST_PER_SECOND = 5
#: Below this share an extrapolation says nothing yet.
TRUSTED_FRACTION = 0.02


class JobProgress:
    """Turns "this stage is so far" into `Progressed` events, at most five a second.

    `later_seconds` is what the stages after the present one will take, as far as is known.
    """

    def __init__(self, job: str, clock: Clock, emit: Callable[[Progressed], None]) -> None:
        self._job = job
        self._clock = clock
        self._emit = emit
        self._stage: Stage = "queued"
        self._stage_began = 0.0
        self._bar = 0.0
        self._last_sent = -1.0
        self._later_seconds = 0.0

    def enter(self, stage: Stage, later_seconds: float = 0.0) -> None:
        """A new stage begins, which is always told."""
        self._bar = max(self._bar, self._start_of(stage))
        self._stage = stage
        self._stage_began = self._clock.monotonic_seconds()
        self._later_seconds = later_seconds
        self._send(None)

    def advance(self, fraction: float) -> None:
        """The present stage is done to `fraction` (0–1)."""
        fraction = min(max(fraction, 0.0), 1.0)
        start, end = self._start_of(self._stage), SHARE_ENDS[self._stage]
        self._bar = max(self._bar, start + (end - start) * fraction)
        if self._clock.monotonic_seconds() - self._last_sent >= 1 / MOST_PER_SECOND:
            self._send(self._eta(fraction))

    def _eta(self, fraction: float) -> float | None:
        if fraction < TRUSTED_FRACTION:
            return None
        elapsed = self._clock.monotonic_seconds() - self._stage_began
        return elapsed * (1 - fraction) / fraction + self._later_seconds

    def _send(self, eta_seconds: float | None) -> None:
        self._last_sent = self._clock.monotonic_seconds()
        self._emit(Progressed(job=self._job, stage=self._stage, fraction=self._bar, eta_seconds=eta_seconds))

    @staticmethod
    def _start_of(stage: Stage) -> float:
        stages = list(SHARE_ENDS)
        return SHARE_ENDS[stages[max(0, stages.index(stage) - 1)]]
