"""Compressed files, decoded while they are heard: only what is near the place that sounds is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.header import BLOCK_FRAMES, Decoder, IncompleteError
from bridge.audio.decoding.joined_blocks import joined_blocks
from bridge.audio.decoding.sound_file import SoundFileDecoder
from bridge.audio.file_signal import mend

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Of a file that does not tell its length, until its end is met: longer than any recording.
UNKNOWN_SECONDS = 24 * 3600
_NO_END = 1 << 62
#: A gap that is decoded through, rather than begun behind.
FAR_FRAMES = 4 * BLOCK_FRAMES


class DecodedSignal:
    """A `Signal` over a compressed file; `frames` may become smaller when its end is met.

    It is made for reading forwards. A step back, and a step far ahead, decode from the nearest frame that the decoder
    can start at, which is the file's beginning for Ogg.
    """

    def __init__(self, decoder: Decoder) -> None:
        header = decoder.header
        self._decoder = decoder
        self.channels = header.channels
        self.sample_rate_hz = header.sample_rate_hz
        self.frames = header.frames or header.expected_frames or UNKNOWN_SECONDS * header.sample_rate_hz
        self._blocks: Iterator[tuple[int, Samples]] = iter(())
        self._kept: list[tuple[int, Samples]] = []
        """The newest two blocks, each with its first frame."""

    def read(self, start: int, stop: int) -> Samples:
        """See `protocols.Signal`. Raises NotAudio."""
        samples: Samples = np.zeros((stop - start, self.channels), np.float32)
        if not self._kept or start < self._kept[0][0] or self._is_far_ahead(start):
            self._begin_at(start)
        end = start
        for first, block in self._from_kept(start):
            wanted = block[max(0, start - first) : stop - first]
            end = max(start, first) + len(wanted)
            samples[end - len(wanted) - start : end - start] = wanted
            if end >= stop:
                return samples
        self.frames = min(self.frames, max(end, 0))
        return samples

    def _is_far_ahead(self, start: int) -> bool:
        """Whether decoding from there is less than decoding up to there: only FLAC can begin anywhere."""
        first, block = self._kept[-1]
        can_begin = isinstance(self._decoder, SoundFileDecoder) and self._decoder.seeks_exactly
        return can_begin and start > first + len(block) + FAR_FRAMES

    def _begin_at(self, frame: int) -> None:
        self._kept = []
        self._blocks = joined_blocks(self._decoder.blocks(frame, Damage()), _NO_END)

    def _from_kept(self, start: int) -> Iterator[tuple[int, Samples]]:
        """The blocks from the one with frame `start` on."""
        yield from [(first, block) for first, block in self._kept if first + len(block) > start]
        while True:
            try:
                found = next(self._blocks, None)
            except IncompleteError as incomplete:  # another decoder gets more out of it
                self._decoder = incomplete.instead
                self._begin_at(start)
                continue
            if found is None:
                return
            mend(found[1])
            self._kept = [*self._kept[-1:], found]
            if found[0] + len(found[1]) > start:
                yield found

    def close(self) -> None:
        self._begin_at(0)
