"""The sum of the tracks that are not silent, block by block, never louder than full scale."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bridge.errors import BridgeError
from bridge.hearing.voices.voice import Voice

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1024
#: What no sample of the sum exceeds.
CEILING = 0.98
#: How much the gain rises in a block after something was too loud: from half to full in 0.5 s.
GAIN_RISE = 0.02


class NamedVoice(NamedTuple):
    """A voice under its track's name; two may have one name."""

    name: str
    voice: Voice


class Mix:
    """Reads voices together from one place on.

    The gain is a line within each block, and it is low enough at both ends for the blocks on either side.

    Args:
        silent: names of tracks that are not heard.
        position: of the first frame, at the output's rate.
        gain: to begin with, 0–1.
        on_failure: called with a voice that can no longer be read; it is silent from then on.
    """

    def __init__(
        self,
        voices: Sequence[NamedVoice],
        silent: Collection[str],
        position: int,
        on_failure: Callable[[NamedVoice, Exception], None],
        gain: float = 1.0,
    ) -> None:
        self._voices = [named for named in voices if named.name not in silent]
        self._all = voices
        self._on_failure = on_failure
        self.position = position
        self._following = self._sum(position)
        self.gain = min(gain, _room(self._following))

    @property
    def end(self) -> int:
        """The frame after the last of the longest track, silent or not."""
        return max((named.voice.frames for named in self._all), default=0)

    @property
    def is_over(self) -> bool:
        return self.position >= self.end

    def next_block(self) -> Samples:
        """The next `BLOCK_FRAMES` frames: float32 (frames, 2)."""
        block, self._following = self._following, self._sum(self.position + BLOCK_FRAMES)
        self.position += BLOCK_FRAMES
        end = min(1.0, self.gain + GAIN_RISE, _room(block), _room(self._following))
        if self.gain < 1.0 or end < 1.0:
            block *= np.linspace(self.gain, end, BLOCK_FRAMES, dtype=np.float32)[:, None]
        self.gain = end
        return block

    def _sum(self, start: int) -> Samples:
        total: Samples = np.zeros((BLOCK_FRAMES, 2), np.float32)
        for named in tuple(self._voices):
            try:
                total += named.voice.read(start, start + BLOCK_FRAMES)
            except (BridgeError, OSError) as error:
                self._voices.remove(named)
                self._on_failure(named, error)
        return total


def _room(block: Samples) -> float:
    """The largest gain, at most 1, with which a block stays below the ceiling."""
    peak = float(np.abs(block).max(initial=0.0))
    return min(1.0, CEILING / peak) if peak > 0.0 else 1.0
