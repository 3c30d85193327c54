"""A stem that is still being collected, as a signal of its final length."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bridge.audio.scratch import Scratch

if TYPE_CHECKING:
    from bridge.protocols import Samples


class GrowingSignal:
    """A `Signal` over a scratch file while it is written, by the same thread; only what was flushed may be read."""

    def __init__(self, scratch: Scratch, frames: int, channels: int, sample_rate_hz: int) -> None:
        self._scratch = scratch
        self.frames, self.channels, self.sample_rate_hz = frames, channels, sample_rate_hz

    def read(self, start: int, stop: int) -> Samples:
        samples = self._scratch.signal().read(start, stop)
        self._scratch.file.seek(0, os.SEEK_END)
        return samples
