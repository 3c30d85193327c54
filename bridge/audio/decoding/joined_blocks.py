"""Joins the small blocks of some decoders: a packet of MP3 has 1152 frames, and each block costs the same work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.decoding.header import BLOCK_FRAMES

if TYPE_CHECKING:
    from bridge.protocols import Samples


def joined_blocks(blocks: Iterator[tuple[int, Samples]], enough: int) -> Iterator[tuple[int, Samples]]:
    """The same frames in blocks of at least `BLOCK_FRAMES`, except for the last.

    Args:
        blocks: consecutive, each with the number of its first frame.
        enough: nothing is decoded beyond the block that reaches this frame before it is yielded, so that damage behind
            the frames that somebody needs is not met.
    """
    waiting: list[Samples] = []
    first, frames = 0, 0
    for position, block in blocks:
        if not waiting:
            first, frames = position, 0
        waiting.append(block)
        frames += len(block)
        if frames >= BLOCK_FRAMES or first + frames >= enough:
            yield first, _one(waiting)
            waiting = []
    if waiting:
        yield first, _one(waiting)


def _one(blocks: list[Samples]) -> Samples:
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
