"""Turns blocks of samples of any format into float32 of one rate and one set of channels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: FFmpeg's name of float32 with a plane for each channel, as MP3, AAC and Vorbis decode.
_PLANES = "fltp"
#: With more, PyAV may crash on the planes.
_FEW_CHANNELS = 2


class Conform:
    """Converts FFmpeg's frames. Where format, rate or channels change within a file, so does the conversion."""

    def __init__(self, layout: Any, rate: int) -> None:
        """`layout`: the channels of the result, as FFmpeg's layout."""
        self._layout = layout
        self._rate = rate
        self._resampler: Any = None
        self._setup: tuple[object, ...] = ()
        self.changes = 0
        """How often rate or channels became others than those of the result."""

    def blocks(self, frame: Any) -> Iterator[Samples]:
        """The samples of a frame: float32 (frames, channels)."""
        import av  # imported late: it loads all of FFmpeg

        setup = (frame.format.name, frame.layout.name, frame.sample_rate)
        if setup != self._setup:
            yield from self.rest()
            self._setup = setup
            self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self._rate)
            if setup[1:] != (self._layout.name, self._rate):
                self.changes += 1
        if setup == (_PLANES, self._layout.name, self._rate) and self._layout.nb_channels <= _FEW_CHANNELS:
            yield _interleaved(frame)
            return
        frame.pts = None  # FFmpeg would fill gaps in its own way
        for converted in self._resampler.resample(frame):
            yield self._samples(converted)

    def rest(self) -> Iterator[Samples]:
        """What a conversion of the rate still holds back."""
        if self._setup and self._setup[2] != self._rate:
            for converted in self._resampler.resample(None):
                yield self._samples(converted)

    def _samples(self, packed: Any) -> Samples:
        # Interleaved: PyAV crashes on a converted frame that has a plane for each of eight channels.
        samples: Samples = packed.to_ndarray().reshape(-1, self._layout.nb_channels)
        return samples


def _interleaved(frame: Any) -> Samples:
    """What a conversion would give that has nothing to convert, in a fifth of its time."""
    samples = np.empty((frame.samples, len(frame.planes)), np.float32)
    for channel, plane in enumerate(frame.planes):
        samples[:, channel] = np.frombuffer(plane, np.float32, frame.samples)
    return samples
