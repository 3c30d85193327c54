"""Several recordings in a row in one Ogg file, as `cat` and radio stations make them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.decoding.conform import Conform
from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.header import Decoder, Header, IncompleteError

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: The speakers of so many channels, in FFmpeg's words.
_LAYOUTS: dict[int, str] = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


@dataclass(frozen=True)
class ChainedDecoder:
    """Decodes each recording by itself, and converts it to the rate and channels of the first."""

    part: FilePart
    header: Header
    links: tuple[Decoder, ...]
    unread: int
    """Recordings that no decoder knows."""

    def blocks(self, start: int, damage: Damage) -> Iterator[tuple[int, Samples]]:  # noqa: ARG002 - always from frame 0
        """See `Decoder.blocks`."""
        damage.unread += self.unread
        position = 0
        for number, link in enumerate(self.links):
            begin, within = position, Damage()
            try:
                for block in self._conformed(link, within):
                    yield position, block
                    position += len(block)
            except IncompleteError as incomplete:
                links = (*self.links[:number], incomplete.instead, *self.links[number + 1 :])
                raise IncompleteError(replace(self, links=links)) from incomplete
            ratio = self.header.sample_rate_hz / link.header.sample_rate_hz
            for first, frames in within.lost:
                damage.lose(begin + round(first * ratio), round(frames * ratio))
            damage.converted += within.converted + (not self._is_alike(link.header))

    def _conformed(self, link: Decoder, damage: Damage) -> Iterator[Samples]:
        blocks = (block for _, block in link.blocks(0, damage))
        return blocks if self._is_alike(link.header) else self._converted(link.header, blocks)

    def _is_alike(self, header: Header) -> bool:
        first = self.header
        return (first.sample_rate_hz, first.channels) == (header.sample_rate_hz, header.channels)

    def _converted(self, header: Header, blocks: Iterable[Samples]) -> Iterator[Samples]:
        import av  # imported late: it loads all of FFmpeg

        layout = _layout(header.channels)
        conform = Conform(av.AudioLayout(_layout(self.header.channels)), self.header.sample_rate_hz)
        for block in blocks:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout=layout)
            frame.sample_rate = header.sample_rate_hz
            yield from conform.blocks(frame)
        yield from conform.rest()


def chained(part: FilePart, links: Sequence[Decoder], unread: int) -> Decoder:
    """One decoder for the recordings of a file; `unread` more hold no audio that can be decoded."""
    header = links[0].header
    rate = header.sample_rate_hz
    read = tuple(link for link in links if _can_become(link.header, header))
    known = [link.header.frames for link in read if link.header.sample_rate_hz == rate]
    frames = sum(count for count in known if count is not None)
    expected = sum(round(link.header.expected_frames * rate / link.header.sample_rate_hz) for link in read)
    whole = replace(
        header,
        frames=frames if len(known) == len(read) and None not in known else None,
        expected_frames=expected,
        promised_frames=None,
    )
    return ChainedDecoder(part, whole, read, unread + len(links) - len(read))


def _can_become(header: Header, wanted: Header) -> bool:
    return header.channels == wanted.channels or {header.channels, wanted.channels} <= _LAYOUTS.keys()


def _layout(channels: int) -> str:
    return _LAYOUTS.get(channels) or f"{channels}c"
