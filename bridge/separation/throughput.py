"""Measured speed of each engine on this machine, from its last complete run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bridge.system.files import read_json, write_whole

if TYPE_CHECKING:
    from bridge.protocols import Clock, Context, Control, Separator, Signal, StemBlock

#: Runs shorter than this are not recorded: the first window dominates them.
SHORTEST_SECONDS = 5.0


class EngineSpeeds:
    """A small file: engine → device → seconds of audio per second. It is expendable, so I/O errors are ignored."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @classmethod
    def in_folder(cls, cache_dir: Path) -> EngineSpeeds:
        return cls(cache_dir / "speed.json")

    def measured(self) -> dict[str, dict[str, float]]:
        """All recorded speeds; empty if the file is missing or damaged."""
        try:
            return read_json(self._path, dict[str, dict[str, float]])
        except (OSError, ValueError):
            return {}

    def fastest(self) -> dict[str, float]:
        """Engine → speed on its fastest device."""
        return {engine: max(devices.values()) for engine, devices in self.measured().items() if devices}

    def record(self, engine: str, device: str, speed: float) -> None:
        """Stores the speed of `engine` on `device`, replacing the previous value."""
        measured = self.measured()
        measured.setdefault(engine, {})[device] = round(speed, 3)
        with suppress(OSError):
            write_whole(self._path, msgspec.json.encode(measured))


class TimedSeparator:
    """A separator that records its speed whenever its consumer has received the whole clip, or stops early."""

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

    def separate(
        self, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        """See `protocols.Separator`."""
        return self._timed(self._separator.separate(mix, stems, control, early=early), mix, stems)

    def _timed(self, blocks: Iterator[StemBlock], mix: Signal, stems: Sequence[str]) -> Iterator[StemBlock]:
        spent_seconds, frames = 0.0, 0
        is_whole = len(set(stems)) >= len(self.stems) - 1  # "other" may be computed as the remainder (decision 0005)
        try:
            while True:
                began = self._clock.monotonic_seconds()
                block = next(blocks, None)
                spent_seconds += self._clock.monotonic_seconds() - began  # excludes the consumer's own work
                if block is None:
                    return
                frames += len(next(iter(block.values()), ()))
                if is_whole and frames >= mix.frames:
                    self._record(frames / mix.sample_rate_hz, spent_seconds)
                yield block
        except GeneratorExit:  # the consumer needs no more blocks
            if is_whole and frames < mix.frames:
                self._record(frames / mix.sample_rate_hz, spent_seconds)
            raise

    def _record(self, audio_seconds: float, spent_seconds: float) -> None:
        if audio_seconds >= SHORTEST_SECONDS and spent_seconds > 0:
            self._speeds.record(self.name, self.device, audio_seconds / spent_seconds)
