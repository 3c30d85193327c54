"""What rings on between and through the hits: cymbals that are left to sound, a room, hits that were not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.separation.kit.drums import DRUMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bridge.separation.kit.grid import BandGrid

#: What stays for this long is no hit's. Shorter than most gaps between hits of a drum would be part of their sounds.
RINGING_SECONDS = 0.8
#: Of a drum that is not struck in the stem, this share of its weight is left.
UNSTRUCK = 1e-3


def ringing(level: Floats, grid: BandGrid) -> Floats:
    """The lowest level around every column, within half of `RINGING_SECONDS`: (columns, bands)."""
    width = grid.columns_in(RINGING_SECONDS)
    before = width // 2
    lowest = np.pad(level, ((before, width - 1 - before), (0, 0)), mode="edge")
    span = 1
    while span < width:  # the minimum over a span from two of half of it
        step = min(span, width - span)
        lowest = np.minimum(lowest[: len(lowest) - step], lowest[step:])
        span += step
    return lowest


def ringing_shares(grid: BandGrid, struck: Collection[str]) -> Mapping[str, Floats]:
    """How much of what rings is each part's, in every band: (bands,), summing to 1.

    By the part's weight there, and by how long such drums ring: most of it is the cymbals', at the bottom the toms'.
    """
    likely = {
        part: drum.weights(grid.centres_hz) * drum.seconds**2 * (1.0 if part in struck else UNSTRUCK)
        for part, drum in DRUMS.items()
    }
    total = np.sum([*likely.values()], axis=0)
    return {part: (weight / total).astype(np.float32) for part, weight in likely.items()}
