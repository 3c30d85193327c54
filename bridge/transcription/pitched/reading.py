"""Posteriors of audio that grows: window after window, each as soon as its audio is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Bytes, Floats
from bridge.dsp.padded_read import samples_between
from bridge.transcription.pitched.basic_pitch import (
    HOP,
    KEPT_FRAMES,
    MARGIN_FRAMES,
    SAMPLE_RATE_HZ,
    STRIDE,
    WINDOW,
    BasicPitch,
)
from bridge.transcription.pitched.posteriors import CONTOUR_BINS, PITCHES, Posteriors, as_bytes
from bridge.transcription.pitched.semitone_levels import REACH, semitone_levels

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: Windows that are read and measured together.
WINDOWS_AT_ONCE = 8


class NetworkReading:
    """The network's probabilities for `audio` (1 channel, 22 050 Hz), as far as it is known, in whole windows."""

    def __init__(self, network: BasicPitch, audio: Signal) -> None:
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"basic-pitch takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        self.audio = audio
        self._network = network
        self._windows = -(-audio.frames // STRIDE)
        self._done = 0
        frames = self._windows * KEPT_FRAMES
        self.note = np.zeros((frames, PITCHES), np.uint8)
        self.onset = np.zeros((frames, PITCHES), np.uint8)
        self.contour = np.zeros((frames, CONTOUR_BINS), np.uint8)

    @property
    def frames(self) -> int:
        """How many frames are ready; in the end at least as many as the audio has."""
        return self._done * KEPT_FRAMES

    def advance(self, known: int, control: Control) -> None:
        """Reads all windows within the first `known` samples; the last ones once the whole is known.

        Raises:
            EngineFailed: the network failed.
            Cancelled: from `control`.
        """
        ready = self._windows
        if known < self.audio.frames:
            ready = min(ready, (known + MARGIN_FRAMES * HOP - WINDOW) // STRIDE + 1)
        while self._done < ready:
            control.checkpoint(self._done / self._windows)
            count = min(WINDOWS_AT_ONCE, ready - self._done)
            start = self._done * STRIDE - MARGIN_FRAMES * HOP
            samples = samples_between(self.audio, start, start + (count - 1) * STRIDE + WINDOW)
            kept = slice(self._done * KEPT_FRAMES, (self._done + count) * KEPT_FRAMES)
            outputs = self._network.probabilities(samples, count)
            for posterior, output in zip((self.note, self.onset, self.contour), outputs, strict=True):
                posterior[kept] = as_bytes(output)
            self._measure(samples, kept)
            self._done += count
        if known >= self.audio.frames:
            control.checkpoint(1.0)

    def look_ahead(self, known: int) -> int:
        """Fills the frames after `frames` from a window that ends with the known samples; returns where they end.

        They are near to what `advance` will put in their place.

        Raises:
            EngineFailed: the network failed.
        """
        first = (known - WINDOW) // HOP + MARGIN_FRAMES
        stop = min(first + KEPT_FRAMES, len(self.note))
        if stop <= self.frames or known >= self.audio.frames:
            return self.frames
        samples = samples_between(self.audio, (first - MARGIN_FRAMES) * HOP, (first - MARGIN_FRAMES) * HOP + WINDOW)
        start = max(self.frames, first)
        for posterior, output in zip(
            (self.note, self.onset, self.contour), self._network.probabilities(samples, 1), strict=True
        ):
            posterior[start:stop] = as_bytes(output[start - first : stop - first])
        return stop

    def _measure(self, samples: Floats, frames: slice) -> None:
        """Measures what else is wanted of these frames; the samples start `MARGIN_FRAMES` before them."""


class PosteriorsReading(NetworkReading):
    """The posteriors of a stem."""

    def __init__(self, network: BasicPitch, audio: Signal) -> None:
        super().__init__(network, audio)
        self._level: Bytes = np.zeros(self.note.shape, np.uint8)
        self._power: Floats = np.zeros(len(self.note), np.float32)

    def between(self, start: int, stop: int) -> Posteriors:
        """Frames `start` to `stop`, which are ready, as if the clip were these."""
        rows = slice(start, min(stop, -(-self.audio.frames // HOP)))
        seconds = (min(stop * HOP, self.audio.frames) - start * HOP) / SAMPLE_RATE_HZ
        note, onset, contour, level = (array[rows] for array in (self.note, self.onset, self.contour, self._level))
        return Posteriors(note, onset, contour, level, self._power[rows], SAMPLE_RATE_HZ / HOP, seconds)

    def whole(self) -> Posteriors:
        """The posteriors of the whole clip, once it is known."""
        return self.between(0, len(self.note))

    def _measure(self, samples: Floats, frames: slice) -> None:
        length = frames.stop - frames.start
        kept = samples[MARGIN_FRAMES * HOP :][: length * HOP]
        self._power[frames] = np.square(kept).reshape(-1, HOP).mean(axis=1)
        self._level[frames] = semitone_levels(samples[MARGIN_FRAMES * HOP - REACH :], length, HOP, SAMPLE_RATE_HZ)
