"""A track that is an audio file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bridge.audio.check import check_source
from bridge.audio.decoding.decoders import open_audio
from bridge.audio.file_signal import FileSignal, open_in_place
from bridge.audio.resample import FILTER_REACH_FRAMES, resampled
from bridge.errors import NotReadable
from bridge.hearing.voices.decoded import DecodedSignal
from bridge.hearing.voices.growing_wav import GrowingWav, open_growing

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: What is converted at once, and how many of these are kept: 0.3 s each at 48 kHz.
CHUNK_FRAMES, KEPT_CHUNKS = 1 << 14, 4


class FileVoice:
    """Implements `Voice` with a file in its own rate, of one or two channels; of more, their mean."""

    def __init__(self, path: Path, rate_hz: int) -> None:
        """Opens the file.

        Raises:
            NotFound, NotReadable, NotAudio: it cannot be read.
        """
        self._rate_hz = rate_hz
        self._held = ExitStack()
        self._chunks: dict[int, Samples] = {}
        check_source(path)
        self._signal: FileSignal | GrowingWav | DecodedSignal = self._opened(path)

    def _opened(self, path: Path) -> FileSignal | GrowingWav | DecodedSignal:
        try:
            if (growing := open_growing(path)) is not None:
                self._held.callback(growing.close)
                return growing
            decoder = open_audio(path)
        except OSError as error:
            raise NotReadable(f"{path} cannot be read: {error}.") from error
        if decoder.header.in_place:
            return self._held.enter_context(open_in_place(decoder.part))
        decoded = DecodedSignal(decoder)
        self._held.callback(decoded.close)
        return decoded

    @property
    def frames(self) -> int:
        """See `Voice`."""
        return -(-self._signal.frames * self._rate_hz // self._signal.sample_rate_hz)

    def read(self, start: int, stop: int) -> Samples:
        """See `Voice`."""
        parts = []
        for index in range(start // CHUNK_FRAMES, -(-stop // CHUNK_FRAMES)):
            first = index * CHUNK_FRAMES
            parts.append(self._chunk(index)[max(0, start - first) : stop - first])
        found: Samples = np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)
        return found

    def close(self) -> None:
        self._chunks.clear()
        self._held.close()

    def _chunk(self, index: int) -> Samples:
        if (found := self._chunks.get(index)) is not None:
            return found
        start, stop = index * CHUNK_FRAMES, (index + 1) * CHUNK_FRAMES
        is_known = self._is_known(stop)
        last = min(stop, self.frames)
        chunk: Samples = np.zeros((CHUNK_FRAMES, 2), np.float32)
        if last > start:
            chunk[: last - start] = _stereo(resampled(self._signal, self._rate_hz).read(start, last))
        if is_known:
            if len(self._chunks) >= KEPT_CHUNKS:
                del self._chunks[next(iter(self._chunks))]
            self._chunks[index] = chunk
        return chunk

    def _is_known(self, stop: int) -> bool:
        """Whether the frames before `stop` will be the same later."""
        if not isinstance(self._signal, GrowingWav):
            return True
        known = self._signal.known_frames
        needed = stop * self._signal.sample_rate_hz // self._rate_hz + 2 * FILTER_REACH_FRAMES
        return known == self._signal.frames or needed <= known


def _stereo(samples: Samples) -> Samples:
    return samples if samples.shape[1] == 2 else samples.mean(axis=1, keepdims=True)
