"""Separates audio of any channel count and sample rate with stereo engines; the stems sum to the source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.resample import StreamResampler, resampled
from bridge.audio.signal import SignalSlice
from bridge.errors import EngineFailed
from bridge.model import Warning
from bridge.pipeline.excerpt import Excerpt, excerpt_for
from bridge.protocols import Control, Separator, Signal
from bridge.stems import OPPOSITE_TABLE, opposite_of, single_stem_of

if TYPE_CHECKING:
    from bridge.protocols import Samples, StemBlock

OTHER = "other"
#: With more context before the region than this, an early first block would hold little of the region, or nothing.
EARLY_CONTEXT_SECONDS = 3.0


def stems_of(separator: Separator) -> tuple[str, ...]:
    """The stems available from this engine: its own, and always `other`, which takes the remainder."""
    return separator.stems if OTHER in separator.stems else (*separator.stems, OTHER)


def audio_of(separator: Separator) -> tuple[str, ...]:
    """All that can be written with this engine: its stems, and the opposite of each that the table has."""
    stems = stems_of(separator)
    known = {single_stem_of(name) for name in OPPOSITE_TABLE}
    return (*stems, *(opposite_of(stem) for stem in stems if stem in known))


def separated(
    separator: Separator,
    source: Signal,
    stems: Sequence[str],
    control: Control,
    *,
    start: int = 0,
    stop: int | None = None,
    early: bool = False,
) -> Iterator[StemBlock]:
    """Separates frames `start` to `stop` (None: the end) of `source`; the engine also gets the context around them.

    Yields consecutive blocks of the requested stems, with the source's rate and channels. Channels go through the
    engine in pairs (1+2, 3+4 …); a single channel is doubled. If `other` is requested, it is the source minus all
    other stems, so that the stems sum to the source exactly. In the same way an opposite is the source minus its stem;
    the engine is asked for no stem that nothing requested is made of.

    Args:
        early: see `Separator.separate`.
    """
    stop = source.frames if stop is None else stop
    needed = {single_stem_of(stem) for stem in stems}
    asked = [stem for stem in separator.stems if stem != OTHER and (OTHER in needed or stem in needed)]
    takes_mix = OTHER in needed or any(stem in OPPOSITE_TABLE for stem in stems)
    excerpt = excerpt_for(separator, source, start, stop)
    pairs = _pairs(source.channels)
    fractions = [0.0] * len(pairs)
    streams = []
    for index, pair in enumerate(pairs):
        stream = _pair_stream(
            separator, source, excerpt, pair, asked, _ChannelPairControl(control, fractions, index), early=early
        )
        streams.append(_cropped(stream, excerpt.lead, excerpt.frames))
    position = start
    for blocks in zip(*streams, strict=True):
        joined = {stem: np.concatenate([block[stem] for block, _ in blocks], axis=1) for stem in asked}
        frames = len(next(iter(joined.values())))
        if takes_mix:
            mix = source.read(position, position + frames)
            if OTHER in needed:
                joined[OTHER] = mix - sum(joined[stem] for stem in asked)
            for stem in stems:
                if stem in OPPOSITE_TABLE:
                    joined[stem] = mix - joined[single_stem_of(stem)]
        position += frames
        yield {stem: joined[stem] for stem in stems}
    if position != stop:
        raise EngineFailed(f"The engine {separator.name} returned {position - start} frames instead of {stop - start}.")
    control.checkpoint(1.0)


def _pairs(channels: int) -> list[tuple[int, ...]]:
    return [tuple(range(first, min(first + 2, channels))) for first in range(0, channels, 2)]


def _pair_stream(
    separator: Separator,
    source: Signal,
    excerpt: Excerpt,
    pair: tuple[int, ...],
    stems: Sequence[str],
    control: Control,
    *,
    early: bool,
) -> Iterator[StemBlock]:
    """Separates one channel pair or single channel; yields blocks at the source's rate, with the lead in front."""
    mix = resampled(_StereoView(source, pair), excerpt.engine_rate_hz)
    is_near = excerpt.used_start - excerpt.input_start <= EARLY_CONTEXT_SECONDS * excerpt.engine_rate_hz
    heard = SignalSlice(mix, excerpt.input_start, excerpt.input_stop)
    blocks = separator.separate(heard, stems, control, early=early and is_near)
    resamplers = {
        stem: StreamResampler(excerpt.engine_rate_hz, source.sample_rate_hz, len(pair), excerpt.lead + excerpt.frames)
        for stem in stems
    }
    same_rate = excerpt.engine_rate_hz == source.sample_rate_hz
    for block, last in _cropped(blocks, excerpt.used_start - excerpt.input_start, excerpt.used_frames):
        own = block if len(pair) == 2 else {stem: _as_mono(block[stem]) for stem in stems}
        yield own if same_rate else {stem: resamplers[stem].convert(own[stem], last=last) for stem in stems}


def _cropped(blocks: Iterator[StemBlock], skip: int, frames: int) -> Iterator[tuple[StemBlock, bool]]:
    """Skips `skip` frames, then yields `frames` frames, each block with a flag that marks the last one.

    It reads no further blocks than it needs, so the engine does no extra work.
    """
    for block in blocks:
        length = len(next(iter(block.values())))
        first, stop = min(skip, length), min(length, skip + frames)
        skip -= first
        frames -= stop - first
        if stop > first:
            yield {stem: samples[first:stop] for stem, samples in block.items()}, frames == 0
        if frames == 0:
            return


def _as_mono(samples: Samples) -> Samples:
    centre: Samples = samples.mean(axis=1, dtype=np.float32, keepdims=True)
    return centre


class _StereoView:
    """Two channels of a signal, or one channel doubled, as the stereo mix that engines expect."""

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
        samples = self._signal.read(start, stop)
        if self._columns == [*range(samples.shape[1])]:
            return samples
        # A C-ordered copy: indexing columns gives a Fortran-ordered array, which soxr rejects for a single frame.
        return np.array(samples[:, self._columns], order="C")


@dataclass
class _ChannelPairControl:
    """The control of one channel pair; the job's progress is the mean over all pairs."""

    whole: Control
    fractions: list[float]
    index: int

    def checkpoint(self, fraction: float) -> None:
        self.fractions[self.index] = fraction
        self.whole.checkpoint(sum(self.fractions) / len(self.fractions))

    def warn(self, warning: Warning) -> None:
        self.whole.warn(warning)
