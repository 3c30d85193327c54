"""The columns of the drum classifier's inputs, by name. The transcriber and the training share them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from bridge.transcription.drums.band_spectrogram import BANDS
from bridge.transcription.drums.kit import KIT

#: Time slots around a hit, as (first frame, last frame + 1): from 81 ms before to 203 ms after.
SLOTS = ((-14, -8), (-8, -4), (-4, -2), (-2, 0), (0, 2), (2, 5), (5, 10), (10, 19), (19, 35))
#: The first slot from the hit's onset on.
ATTACK_SLOT = 4
#: Slots from the onset on whose increments are compared with each other.
SHAPE_SLOTS = 3
#: The network's outputs, each a probability. `hat` is any hat; `open hat` only tells open from closed ones.
OUTPUTS = tuple(drum.name for drum in KIT)


class Layout:
    """Named groups of consecutive columns."""

    def __init__(self, **widths: int) -> None:
        """The number of columns of each group, in order."""
        ends = list(accumulate(widths.values()))
        self._columns: Mapping[str, slice] = {
            name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)
        }
        self.width = ends[-1]

    def __getitem__(self, name: str) -> slice:
        return self._columns[name]


#: What is known of each hit before any network. "Increment" is what a hit adds to the sound before it.
HIT = Layout(
    levels=len(SLOTS) * BANDS,  # of every slot and band, on the clip's scale, in nepers
    scale=BANDS,  # the clip's, relative to the loudest band, in nepers
    usual=BANDS,  # the median hit, relative to the scale, in nepers
    gaps=2,  # log time since the hit before and until the hit after
    shape=SHAPE_SLOTS * BANDS,  # the increment's slots and bands, relative to its own loudest one, in nepers
)
