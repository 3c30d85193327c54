"""Two engines in layers: the first takes the vocals out, the second takes apart what is left."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.protocols import Context
from bridge.separation.wanted import check_wanted
from bridge.stems import STEMS

if TYPE_CHECKING:
    from bridge.model import Warning
    from bridge.protocols import Control, Samples, Separator, Signal, StemBlock

VOCALS, OTHER = "vocals", "other"
#: The first engine's share of the progress.
FIRST_SHARE = 0.6


class LayeredSeparator:
    """A `Separator` with the first engine's vocals and the second engine's other stems; they sum to the mix.

    What the second engine takes for vocals goes to `other`: it is no voice, since the first engine has not taken it.
    """

    def __init__(self, name: str, first: Separator, second: Separator) -> None:
        """`second` has `other` and stems besides, and works at the sample rate of `first`."""
        self._name = name
        self._first = first
        self._second = second

    @property
    def name(self) -> str:
        return self._name

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(stem for stem in STEMS if stem == VOCALS or stem in self._second.stems)

    @property
    def device(self) -> str:
        return self._first.device

    @property
    def sample_rate_hz(self) -> int | None:
        return self._first.sample_rate_hz

    def context(self, sample_rate_hz: int) -> Context:
        first, second = self._first.context(sample_rate_hz), self._second.context(sample_rate_hz)
        return Context(first.frames + second.frames, math.lcm(first.grid_frames, second.grid_frames))

    def identity(self) -> str:
        return f"{self._first.identity()} {self._second.identity()}"

    def separate(
        self, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        """See `protocols.Separator`.

        Raises:
            BadArguments: neither engine has one of `stems`.
        """
        check_wanted(self._name, self.stems, stems)
        if VOCALS in stems and len(set(stems)) == 1:
            return self._first.separate(mix, stems, control, early=early)
        return self._blocks(mix, tuple(stems), control, early=early)

    def _blocks(self, mix: Signal, stems: tuple[str, ...], control: Control, *, early: bool) -> Iterator[StemBlock]:
        # Each engine reports its own progress; the work alternates between the two.
        progress = _JointProgress(control)
        vocals = self._first.separate(mix, [VOCALS], progress.part(0, FIRST_SHARE), early=early)
        rest = _Accompaniment(mix, vocals)
        taken = [stem for stem in self._second.stems if stem not in (VOCALS, OTHER)]
        wanted = [stem for stem in taken if stem in stems or OTHER in stems]
        start = 0
        for parts in self._second.separate(rest, wanted, progress.part(1, 1 - FIRST_SHARE), early=early):
            stop = start + len(parts[wanted[0]])
            block = {stem: parts[stem] for stem in wanted if stem in stems}
            if VOCALS in stems:
                block[VOCALS] = rest.vocals(start, stop)
            if OTHER in stems:
                block[OTHER] = rest.read(start, stop) - sum(parts.values())
            start = stop
            yield block
        control.checkpoint(1.0)


class _Accompaniment:
    """A `Signal`: the mix without its vocals, which come block by block. No read begins before the one before it."""

    def __init__(self, mix: Signal, vocals: Iterator[StemBlock]) -> None:
        self._mix = mix
        self._vocals = vocals
        self._first = 0  # the frame of the first kept vocals
        self._kept: Samples = np.zeros((0, mix.channels), np.float32)

    @property
    def frames(self) -> int:
        return self._mix.frames

    @property
    def channels(self) -> int:
        return self._mix.channels

    @property
    def sample_rate_hz(self) -> int:
        return self._mix.sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        accompaniment: Samples = self._mix.read(start, stop) - self.vocals(start, stop)
        return accompaniment

    def vocals(self, start: int, stop: int) -> Samples:
        """The vocals of frames `start` to `stop`, a new array."""
        while self._first + len(self._kept) < stop:
            forget = min(start - self._first, len(self._kept))
            self._kept = np.concatenate([self._kept[forget:], next(self._vocals)[VOCALS]])
            self._first += forget
        assert start >= self._first, "the accompaniment is read forwards"
        vocals: Samples = self._kept[start - self._first : stop - self._first].copy()
        return vocals


class _JointProgress:
    """Adds the progress of two engines that work in turns."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._done = [0.0, 0.0]

    def part(self, index: int, share: float) -> _Part:
        return _Part(self, index, share)

    def report(self, index: int, done: float) -> None:
        self._done[index] = max(self._done[index], done)
        self._control.checkpoint(min(sum(self._done), 1.0))

    def warn(self, warning: Warning) -> None:
        self._control.warn(warning)


class _Part:
    """The `Control` of one engine."""

    def __init__(self, whole: _JointProgress, index: int, share: float) -> None:
        self._whole = whole
        self._index = index
        self._share = share

    def checkpoint(self, fraction: float) -> None:
        self._whole.report(self._index, fraction * self._share)

    def warn(self, warning: Warning) -> None:
        self._whole.warn(warning)
