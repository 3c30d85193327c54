"""Separation of any number of channels at any rate by engines that know stereo at theirs, summing to the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.resample import StreamResampler, resampled
from bridge.errors import EngineFailed
from bridge.model import Warning
from bridge.protocols import Control, Separator, Signal

if TYPE_CHECKING:
    from bridge.protocols import Samples, StemBlock

REST = "other"


def stems_of(separator: Separator) -> tuple[str, ...]:
    """What a job can have from this engine: its own stems, and always `other`, which takes what is left over."""
    return separator.stems if REST in separator.stems else (*separator.stems, REST)


def separated(separator: Separator, source: Signal, stems: Sequence[str], control: Control) -> Iterator[StemBlock]:
    """Takes `source` apart; yields consecutive blocks of the stems asked for, at the source's rate and channels.

    Channels go through the engine in pairs (1+2, 3+4 …), a single one as a stereo pair of itself. Where `other` is
    asked for, it is the source minus all other stems, so that all of them sum to the source exactly.
    """
    asked = [stem for stem in separator.stems if stem != REST and (REST in stems or stem in stems)]
    pairs = _pairs(source.channels)
    fractions = [0.0] * len(pairs)
    streams = [
        _pair_stream(separator, source, pair, asked, _PairControl(control, fractions, index))
        for index, pair in enumerate(pairs)
    ]
    position = 0
    for blocks in zip(*streams, strict=True):
        joined = {stem: np.concatenate([block[stem] for block in blocks], axis=1) for stem in asked}
        frames = len(next(iter(joined.values())))
        if REST in stems:
            mix = source.read(position, position + frames)
            joined[REST] = mix - sum(joined[stem] for stem in asked if stem != REST)
        position += frames
        yield {stem: joined[stem] for stem in stems}
    if position != source.frames:
        raise EngineFailed(f"The engine {separator.name} gave {position} frames for {source.frames}.")


def _pairs(channels: int) -> list[tuple[int, ...]]:
    return [tuple(range(first, min(first + 2, channels))) for first in range(0, channels, 2)]


def _pair_stream(
    separator: Separator, source: Signal, pair: tuple[int, ...], stems: Sequence[str], control: Control
) -> Iterator[StemBlock]:
    """One pair of channels (or one channel) through the engine, back at the source's rate."""
    own_rate = separator.sample_rate_hz or source.sample_rate_hz
    mix = resampled(_StereoView(source, pair), own_rate)
    blocks = separator.separate(mix, stems, control)
    narrow = len(pair) == 1
    if own_rate == source.sample_rate_hz:
        for block in blocks:
            yield {stem: _as_mono(block[stem]) if narrow else block[stem] for stem in stems}
        return
    converters = {stem: StreamResampler(own_rate, source.sample_rate_hz, len(pair), source.frames) for stem in stems}
    for block, last in _with_last(blocks):
        yield {
            stem: converters[stem].convert(_as_mono(block[stem]) if narrow else block[stem], last=last)
            for stem in stems
        }


def _as_mono(samples: Samples) -> Samples:
    centre: Samples = samples.mean(axis=1, dtype=np.float32, keepdims=True)
    return centre


def _with_last(blocks: Iterator[StemBlock]) -> Iterator[tuple[StemBlock, bool]]:
    """Each block, and whether it is the last one."""
    held: StemBlock | None = None
    for block in blocks:
        if held is not None:
            yield held, False
        held = block
    if held is not None:
        yield held, True


class _StereoView:
    """Two channels of a signal, or one of them twice, as the stereo mix that engines take."""

    channels = 2

    def __init__(self, signal: Signal, pair: tuple[int, ...]) -> None:
        self._signal = signal
        self._columns = [pair[0], pair[-1]]

    @property
    def frames(self) -> int:
        return self._signal.frames

    @property
    def sample_rate_hz(self) -> int:
        return self._signal.sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        return self._signal.read(start, stop)[:, self._columns]


@dataclass
class _PairControl:
    """One pair's control: the pairs advance in turns, and the job is as far as their mean."""

    whole: Control
    fractions: list[float]
    index: int

    def checkpoint(self, fraction: float) -> None:
        self.fractions[self.index] = fraction
        self.whole.checkpoint(sum(self.fractions) / len(self.fractions))

    def warn(self, warning: Warning) -> None:
        self.whole.warn(warning)
