"""Reads uncompressed samples directly from their file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from bridge.audio.decoders import FLOAT_SUBTYPES, translate_decoding_errors
from bridge.errors import NotAudio

if TYPE_CHECKING:
    from bridge.protocols import Samples


class FileSignal:
    """A `Signal` over an open file of uncompressed samples; NaN and infinity are read as 0."""

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self._path = path
        self._file = file

    @property
    def frames(self) -> int:
        return int(self._file.frames)

    @property
    def channels(self) -> int:
        return int(self._file.channels)

    @property
    def sample_rate_hz(self) -> int:
        return int(self._file.samplerate)

    @property
    def may_hold_nan(self) -> bool:
        return self._file.subtype in FLOAT_SUBTYPES

    def read(self, start: int, stop: int) -> Samples:
        """See `protocols.Signal`.

        Raises:
            NotAudio: the file has changed while it was open.
        """
        samples = self._read(start, stop)
        if self.may_hold_nan:
            replace_non_finite(samples)
        return samples

    def count_non_finite(self, start: int, stop: int) -> int:
        """The number of samples in these frames that are NaN or infinity."""
        return replace_non_finite(self._read(start, stop))

    def _read(self, start: int, stop: int) -> Samples:
        with translate_decoding_errors(f"{self._path.name} can no longer be read."):
            self._file.seek(start)
            samples: Samples = self._file.read(stop - start, dtype="float32", always_2d=True)
        if len(samples) < stop - start:
            raise NotAudio(f"{self._path.name} was shortened while it was being read.")
        return samples


@contextmanager
def open_in_place(path: Path) -> Iterator[FileSignal]:
    """The file's samples, readable until the block ends.

    Raises:
        NotAudio: the file has changed since its header was read, or is gone.
    """
    with translate_decoding_errors(f"{path.name} can no longer be read."):
        file = soundfile.SoundFile(str(path))
    with file:
        yield FileSignal(path, file)


def replace_non_finite(samples: Samples) -> int:
    """Sets NaN and infinity to 0, in place; returns the number of replaced samples."""
    non_finite = ~np.isfinite(samples)
    replaced_count = int(np.count_nonzero(non_finite))
    if replaced_count:
        samples[non_finite] = 0.0
    return replaced_count
