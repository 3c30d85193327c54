"""How fast each engine was on this machine the last time it had a whole clip to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bridge.system.files import read_json, write_whole

if TYPE_CHECKING:
    from bridge.protocols import Clock, Context, Control, Separator, Signal, StemBlock

#: Shorter runs say more about the first window than about the engine.
SHORTEST_SECONDS = 5.0


class EngineSpeeds:
    """A small file: engine → device → seconds of audio per second. Losing it costs nothing, so it never fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def in_folder(cls, cache_dir: Path) -> EngineSpeeds:
        return cls(cache_dir / "speed.json")

    def measured(self) -> dict[str, dict[str, float]]:
        """All that is known; empty where the file is missing or damaged."""
        try:
            return read_json(self._path, dict[str, dict[str, float]])
        except (OSError, ValueError):
            return {}

    def fastest(self) -> dict[str, float]:
        """Engine → its speed on the device that does best."""
        return {engine: max(devices.values()) for engine, devices in self.measured().items() if devices}

    def record(self, engine: str, device: str, speed: float) -> None:
        """Replaces what was known of `engine` on `device`."""
        measured = self.measured()
        measured.setdefault(engine, {})[device] = round(speed, 3)
        with suppress(OSError):
            write_whole(self._path, msgspec.json.encode(measured))


class TimedSeparator:
    """A separator that notes how fast it was, each time its listener has what it wanted."""

    def __init__(self, separator: Separator, speeds: EngineSpeeds, clock: Clock) -> None:
        self._separator = separator
        self._speeds = speeds
        self._clock = clock

    @property
    def name(self) -> str:
        return self._separator.name

    @property
    def stems(self) -> tuple[str, ...]:
        return self._separator.stems

    @property
    def device(self) -> str:
        return self._separator.device

    @property
    def sample_rate_hz(self) -> int | None:
        return self._separator.sample_rate_hz

    def context(self, sample_rate_hz: int) -> Context:
        return self._separator.context(sample_rate_hz)

    def identity(self) -> str:
        return self._separator.identity()

    def separate(self, mix: Signal, stems: Sequence[str], control: Control) -> Iterator[StemBlock]:
        """See `protocols.Separator`."""
        return self._timed(self._separator.separate(mix, stems, control), mix, stems)

    def _timed(self, blocks: Iterator[StemBlock], mix: Signal, stems: Sequence[str]) -> Iterator[StemBlock]:
        spent_seconds, frames = 0.0, 0
        is_whole = len(set(stems)) >= len(self.stems) - 1  # "other" is what the rest leaves over (docs/decisions/0005)
        try:
            while True:
                began = self._clock.monotonic_seconds()
                block = next(blocks, None)
                spent_seconds += self._clock.monotonic_seconds() - began  # without what the listener does in between
                if block is None:
                    return
                frames += len(next(iter(block.values()), ()))
                if is_whole and frames >= mix.frames:
                    self._record(frames / mix.sample_rate_hz, spent_seconds)
                yield block
        except GeneratorExit:  # the listener has all that it wanted
            if is_whole and frames < mix.frames:
                self._record(frames / mix.sample_rate_hz, spent_seconds)
            raise

    def _record(self, audio_seconds: float, spent_seconds: float) -> None:
        if audio_seconds >= SHORTEST_SECONDS and spent_seconds > 0:
            self._speeds.record(self.name, self.device, audio_seconds / spent_seconds)
