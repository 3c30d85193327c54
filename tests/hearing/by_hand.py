"""An output that takes sound when the test says so, and the player on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import soundfile

from bridge.errors import EngineFailed
from bridge.hearing.messages import Hear, Heard, HearingAnswer, HearingCommand, HearingReport
from bridge.hearing.outputs import Take
from bridge.hearing.player import HearingPlayer
from bridge.protocols.hearing import Track
from tests.support.fakes import FakeClock

if TYPE_CHECKING:
    from bridge.protocols import Samples

RATE_HZ = 48_000
PERIOD_FRAMES = 960
T = TypeVar("T", bound=HearingReport)


class OutputByHand:
    """Implements `Output`; time passes by what is taken."""

    name = "Hand"
    rate_hz = RATE_HZ
    delay_seconds = 0.04

    def __init__(self, take: Take) -> None:
        self.take = take
        self.is_started = self.is_closed = False

    def start(self) -> None:
        self.is_started = True

    def close(self) -> None:
        self.is_closed = True


class Bench:
    """A player whose output is pulled by hand; `reports` has all that it sends."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reports: list[HearingReport] = []
        self.outputs: list[OutputByHand] = []
        self.refuse = ""
        self.player = HearingPlayer(self._open, self.reports.append, self.clock.monotonic_seconds)

    def _open(self, take: Take) -> OutputByHand:
        if self.refuse:
            raise EngineFailed(self.refuse, advice="Plug one in.")
        self.outputs.append(OutputByHand(take))
        return self.outputs[-1]

    @property
    def output(self) -> OutputByHand:
        return self.outputs[-1]

    def hear(self, *tracks: Track, at: float = 0.0, silent: tuple[str, ...] = ()) -> HearingAnswer:
        self.player.handle(Hear(token=len(self.reports), tracks=tracks, at_seconds=at, silent=silent))
        return self.last(HearingAnswer)

    def do(self, command: HearingCommand) -> None:
        self.player.handle(command)

    def pull(self, seconds: float, before_each: Callable[[], None] = lambda: None) -> Samples:
        """What is heard in that time: float32 (frames, 2)."""
        parts: list[Samples] = []
        for _ in range(round(seconds * RATE_HZ / PERIOD_FRAMES)):
            while self.player.work() == 0.0:
                pass
            before_each()
            parts.append(self.output.take(PERIOD_FRAMES))
            self.clock.advance(PERIOD_FRAMES / RATE_HZ)
        return np.concatenate(parts)

    def last(self, kind: type[T]) -> T:
        return [report for report in self.reports if isinstance(report, kind)][-1]

    @property
    def heard(self) -> Heard:
        self.player.work()
        return self.last(Heard)


def sine(path: Path, hertz: float, *, seconds: float = 4.0, rate_hz: int = RATE_HZ, level: float = 0.5) -> str:
    """A stereo file with a sine; its path."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = level * np.sin(2 * np.pi * hertz * times)
    soundfile.write(path, np.stack([wave, wave], axis=1), rate_hz)
    return str(path)


def level_of(samples: Samples, hertz: float) -> float:
    """The amplitude of a sine in the left channel."""
    times = np.arange(len(samples)) / RATE_HZ
    return float(2 * abs(np.mean(samples[:, 0] * np.exp(-2j * np.pi * hertz * times))))


def largest_step(samples: Samples) -> float:
    """The greatest difference of neighbouring samples: a click is a large one."""
    return float(np.abs(np.diff(samples[:, 0])).max())
