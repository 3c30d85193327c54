"""Reads uncompressed samples directly from their file, and mends those that are no audio."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.header import translate_decoding_errors
from bridge.audio.decoding.sound_file import FLOAT_SUBTYPES, open_sound
from bridge.errors import NotAudio

if TYPE_CHECKING:
    from bridge.protocols import Samples


#: The loudest sample that is left as it is, 120 dB above full scale. Louder ones are no audio but other data, and the
#: fourth power of a spectrum, which some engines take, would exceed the range of float32 and make NaN of whole stems.
LOUDEST = 1e6


class FileSignal:
    """A `Signal` over an open file of uncompressed samples; those that are no audio are read as 0.

    Several threads may read.
    """

    def __init__(self, path: Path, file: soundfile.SoundFile) -> None:
        self._path = path
        self._file = file
        self._reading = threading.Lock()

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
            mend(samples)
        return samples

    def count_bad(self, start: int, stop: int) -> int:
        """The number of samples in these frames that are no audio."""
        return mend(self._read(start, stop))

    def _read(self, start: int, stop: int) -> Samples:
        with translate_decoding_errors(f"{self._path.name} can no longer be read."), self._reading:
            self._file.seek(start)
            samples: Samples = self._file.read(stop - start, dtype="float32", always_2d=True)
        if len(samples) < stop - start:
            raise NotAudio(f"{self._path.name} was shortened while it was being read.")
        return samples


@contextmanager
def open_in_place(part: FilePart) -> Iterator[FileSignal]:
    """The file's samples, readable until the block ends.

    Raises:
        NotAudio: the file has changed since its header was read, or is gone.
    """
    with ExitStack() as held:
        with translate_decoding_errors(f"{part.path.name} can no longer be read."):
            file = held.enter_context(open_sound(part))
        yield FileSignal(part.path, file)


@contextmanager
def open_written(file: BinaryIO, name: str) -> Iterator[FileSignal]:
    """The samples of an uncompressed or FLAC file that the bridge has written, readable until the block ends.

    Raises:
        NotAudio: it is damaged.
    """
    with ExitStack() as held:
        with translate_decoding_errors(f"{name} cannot be read."):
            sound = held.enter_context(soundfile.SoundFile(file))
        yield FileSignal(Path(name), sound)


def mend(samples: Samples) -> int:
    """Sets NaN, infinity and what is louder than `LOUDEST` to 0, in place; returns the number of such samples."""
    if is_audio(samples):
        return 0
    bad = ~(np.abs(samples) <= LOUDEST)
    samples[bad] = 0.0
    return int(np.count_nonzero(bad))


def is_audio(samples: Samples) -> bool:
    """Whether no sample is NaN, infinity or louder than `LOUDEST`."""
    # The extremes of an array with a NaN are NaN, and every comparison with it is false.
    return not samples.size or bool(samples.max() <= LOUDEST and samples.min() >= -LOUDEST)
