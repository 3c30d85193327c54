"""A job's progress: a bar that never falls, and a remaining time that rises only if the work is much slower."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.events import Progressed
from bridge.model import STAGES, Stage
from bridge.pipeline.progress_limit import ProgressLimit
from bridge.protocols import Clock

#: Share of the bar for the loading stage, before the amount of work is known.
LOADING_SHARE = 0.05
#: Below this fraction, a stage's own pace is not used.
TRUSTED_FRACTION = 0.02
#: A stage expected to be shorter than this does not predict the slowness of the next.
INFORMATIVE_SECONDS = 1.0
#: The remaining time rises only when the estimate exceeds the last one by this factor plus these seconds.
TOLERANCE, TOLERANCE_SECONDS = 1.25, 2.0


class JobProgress:
    """Turns the fraction done of each stage into `Progressed` events, at most five a second; a new stage at once.

    The bar and the remaining time follow the expected durations of the stages (`expect`) and the measured pace of the
    current one. The remaining time falls or stays; it rises only if the work is slower than expected by more than the
    tolerance. Then it jumps to the new estimate, and all later events have `is_slower` set.
    """

    def __init__(self, job: str, clock: Clock, emit: Callable[[Progressed], None]) -> None:
        self._job = job
        self._clock = clock
        self._emit = emit
        self._stage: Stage = "queued"
        self._stage_began = 0.0
        self._stage_fraction = 0.0
        self._expected: dict[Stage, float] = {}
        """Expected seconds of each stage, where known."""
        self._bar_ranges: dict[Stage, tuple[float, float]] = {"loading": (0.0, LOADING_SHARE)}
        """Start and end of each stage on the bar, 0–1."""
        self._slowness = 1.0
        """Measured over expected duration of the last informative stage, at least 1."""
        self._bar = 0.0
        self._left_seconds: float | None = None
        """The remaining time in the last event."""
        self._is_slower = False
        self._limit = ProgressLimit(clock.monotonic_seconds())

    def expect(self, seconds: Mapping[Stage, float]) -> None:
        """Sets the expected seconds of the coming stages, which share the rest of the bar in proportion."""
        self._expected = dict(seconds)
        total = sum(seconds.values())
        begin = self._bar
        for stage, duration in seconds.items():
            end = begin + (1 - self._bar) * (duration / total if total > 0 else 1 / len(seconds))
            self._bar_ranges[stage] = (begin, end)
            begin = end

    def enter(self, stage: Stage) -> None:
        """Starts a new stage; always sends an event."""
        self._stage = stage
        self._stage_began = self._clock.monotonic_seconds()
        self._stage_fraction = 0.0
        self._move(0.0)
        self._send()

    def advance(self, fraction: float) -> None:
        """Sets the fraction done (0–1) of the current stage."""
        fraction = min(max(fraction, 0.0), 1.0)
        self._stage_fraction = max(self._stage_fraction, fraction)
        self._move(fraction)
        if self._limit.has_room(self._stage, self._clock.monotonic_seconds()):
            self._send()

    def _move(self, fraction: float) -> None:
        start, end = self._bar_ranges.get(self._stage, (self._bar, 1.0))
        self._bar = min(1.0, max(self._bar, start + (end - start) * fraction))

    def _send(self) -> None:
        self._limit.count(self._clock.monotonic_seconds())
        self._left_seconds = self._steady(self._estimate())
        self._emit(
            Progressed(
                job=self._job,
                stage=self._stage,
                fraction=self._bar,
                eta_seconds=self._left_seconds,
                is_slower=self._is_slower,
            )
        )

    def _estimate(self) -> float | None:
        """The estimated remaining seconds; None where nothing is expected yet.

        If this stage is slower than expected, the later ones are assumed to be slower too, since the machine is busy.
        If it is faster, that is not carried over.
        """
        if self._stage not in self._expected:
            return None
        fraction, expected = self._stage_fraction, self._expected[self._stage]
        duration = expected * self._slowness
        if fraction >= TRUSTED_FRACTION:
            elapsed = self._clock.monotonic_seconds() - self._stage_began
            duration += (elapsed / fraction - duration) * fraction  # its own pace counts more as it advances
        slowness = max(1.0, duration / expected) if expected >= INFORMATIVE_SECONDS else self._slowness
        if fraction >= 1.0:
            self._slowness = slowness
        later = STAGES[STAGES.index(self._stage) + 1 :]
        rest = sum(seconds for stage, seconds in self._expected.items() if stage in later)
        return duration * (1 - fraction) + rest * slowness

    def _steady(self, left_seconds: float | None) -> float | None:
        previous = self._left_seconds
        if previous is None or left_seconds is None:
            return left_seconds if left_seconds is not None else previous
        if left_seconds > previous * TOLERANCE + TOLERANCE_SECONDS:
            self._is_slower = True
            return left_seconds
        return min(previous, left_seconds)
