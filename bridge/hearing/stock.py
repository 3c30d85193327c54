"""Sound that is computed and waits for the output to take it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: Of every fade from one sound to another.
FADE_SECONDS = 0.01


class Stock:
    """One thread puts blocks in, the output's thread takes frames out; both may count on never waiting long.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._blocks: deque[Samples] = deque()
        self._advances = False
        self._fade_frames = 1
        self.frames = 0
        """How many wait."""
        self.position = 0
        """The place in the clip, in frames, of the next frame that is taken."""
        self.taken_at = clock()
        """When the output last asked for sound."""
        self.is_fed = False
        """Whether more is to come, so that a lack of it is an underrun."""
        self.underruns = 0
        """How often the output has asked for more than was there."""

    def begin(self, rate_hz: int) -> None:
        """Empties it for an output of this rate, which is about to take from it."""
        with self._lock:
            self._fade_frames = max(1, round(FADE_SECONDS * rate_hz))
            self._blocks.clear()
            self.frames = 0
            self._advances = self.is_fed = False
            self.taken_at = self._clock()

    def take(self, frames: int) -> Samples:
        """The next frames: float32 (frames, 2); silence where nothing waits. Called by the output's thread."""
        taken: Samples = np.zeros((frames, 2), np.float32)
        with self._lock:
            self.taken_at = self._clock()
            filled = 0
            while filled < frames and self._blocks:
                block = self._blocks[0]
                part = block[: frames - filled]
                taken[filled : filled + len(part)] = part
                filled += len(part)
                if len(part) == len(block):
                    self._blocks.popleft()
                else:
                    self._blocks[0] = block[len(part) :]
            self.frames -= filled
            if self._advances:
                self.position += filled
            if filled < frames and self.is_fed:
                self.underruns += 1
        return taken

    def add(self, samples: Samples) -> None:
        """Puts a block behind the others."""
        with self._lock:
            self._blocks.append(samples)
            self.frames += len(samples)

    def fade_to(self, samples: Samples, position: int, *, in_time: bool) -> None:
        """Fades from what waits to these samples, and drops the rest of it.

        Args:
            position: the place of the first of them.
            in_time: they are other sound for the same time, so that as many are left out as were taken meanwhile.
        """
        with self._lock:
            late = max(0, self.position - position) if in_time else 0
            self._exchange(samples[late:])
            self.position = position + late
            self._advances = self.is_fed = True

    def fade_out(self) -> None:
        """Fades to silence; the position stays where the fade begins."""
        with self._lock:
            self._exchange(np.zeros((0, 2), np.float32))
            self._advances = False
            self.is_fed = False

    def _exchange(self, samples: Samples) -> None:
        count = self._fade_frames
        before, after = np.zeros((count, 2), np.float32), np.zeros((max(count, len(samples)), 2), np.float32)
        after[: len(samples)] = samples
        filled = 0
        for block in self._blocks:
            part = block[: count - filled]
            before[filled : filled + len(part)] = part
            filled += len(part)
        rise = ((np.arange(count, dtype=np.float32) + 0.5) / count)[:, None]
        after[:count] = before * (1.0 - rise) + after[:count] * rise
        self._blocks = deque([after])
        self.frames = len(after)
