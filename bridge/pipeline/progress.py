"""A job's progress as a person wants it: a bar that never falls, and a time left that rises only with a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bridge.events import Progressed
from bridge.model import STAGES, Stage
from bridge.protocols import Clock

#: The bar's share of what comes before it is known how much there is to do.
LOADING_SHARE = 0.05
#: A screen or a Max patch can use no more than this; every change of stage and every end passes nevertheless.
MOST_PER_SECOND = 5
#: Of a stage that is done to less, its own pace says nothing yet.
TRUSTED_FRACTION = 0.02
#: A stage that is expected to take less says nothing about the next.
TELLING_SECONDS = 1.0
#: So much more than it said has to be left before it says more: by this factor, and this many seconds.
TOLERANCE, TOLERANCE_SECONDS = 1.25, 2.0


class JobProgress:
    """Turns "this stage is so far" into `Progressed` events, at most five a second.

    The bar and the time left go by what the stages are expected to take (`expect`), and by how fast the present one
    really is. The time left falls or stands still; it rises only where the work is far slower than expected, by more
    than `TOLERANCE`, and then at once to what it really is; from then on the events say why.
    """

    def __init__(self, job: str, clock: Clock, emit: Callable[[Progressed], None]) -> None:
        self._job = job
        self._clock = clock
        self._emit = emit
        self._stage: Stage = "queued"
        self._stage_began = 0.0
        self._stage_fraction = 0.0
        self._expected: dict[Stage, float] = {}
        """Seconds of each stage, as far as they are known."""
        self._spans: dict[Stage, tuple[float, float]] = {"loading": (0.0, LOADING_SHARE)}
        """Where on the bar each stage begins and ends."""
        self._slowness = 1.0
        """How much slower than expected the last stage was."""
        self._bar = 0.0
        self._left_seconds: float | None = None
        """What was said last."""
        self._is_slower = False
        self._last_sent = -1.0

    def expect(self, seconds: Mapping[Stage, float]) -> None:
        """From now on it is known what the coming stages will take; they share the rest of the bar accordingly."""
        self._expected = dict(seconds)
        total = sum(seconds.values())
        begin = self._bar
        for stage, duration in seconds.items():
            end = begin + (1 - self._bar) * (duration / total if total > 0 else 1 / len(seconds))
            self._spans[stage] = (begin, end)
            begin = end

    def enter(self, stage: Stage) -> None:
        """A new stage begins, which is always told."""
        self._stage = stage
        self._stage_began = self._clock.monotonic_seconds()
        self._stage_fraction = 0.0
        self._move(0.0)
        self._send()

    def advance(self, fraction: float) -> None:
        """The present stage is done to `fraction` (0–1)."""
        fraction = min(max(fraction, 0.0), 1.0)
        self._stage_fraction = max(self._stage_fraction, fraction)
        self._move(fraction)
        if self._clock.monotonic_seconds() - self._last_sent >= 1 / MOST_PER_SECOND:
            self._send()

    def _move(self, fraction: float) -> None:
        start, end = self._spans.get(self._stage, (self._bar, 1.0))
        self._bar = min(1.0, max(self._bar, start + (end - start) * fraction))

    def _send(self) -> None:
        self._last_sent = self._clock.monotonic_seconds()
        self._left_seconds = self._steadied(self._estimate())
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
        """The seconds left, as far as is known now.

        Where this stage is slower than expected, so will be the others, for the machine has other work; where it is
        faster, that may be its own.
        """
        if self._stage not in self._expected:
            return None
        fraction, expected = self._stage_fraction, self._expected[self._stage]
        duration = expected * self._slowness
        if fraction >= TRUSTED_FRACTION:
            elapsed = self._clock.monotonic_seconds() - self._stage_began
            duration += (elapsed / fraction - duration) * fraction  # the further, the more its own pace counts
        slowness = max(1.0, duration / expected) if expected >= TELLING_SECONDS else self._slowness
        if fraction >= 1.0:
            self._slowness = slowness
        later = STAGES[STAGES.index(self._stage) + 1 :]
        rest = sum(seconds for stage, seconds in self._expected.items() if stage in later)
        return duration * (1 - fraction) + rest * slowness

    def _steadied(self, left_seconds: float | None) -> float | None:
        said = self._left_seconds
        if said is None or left_seconds is None:
            return left_seconds if left_seconds is not None else said
        if left_seconds > said * TOLERANCE + TOLERANCE_SECONDS:
            self._is_slower = True
            return left_seconds
        return min(said, left_seconds)
