"""The transcribers behind the seam: what each hears, as bytes that can be kept, and how those are read again."""

from __future__ import annotations

import functools
import hashlib
import io
import zlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.model import Note
from bridge.transcription.basic_pitch import BasicPitch, find_model
from bridge.transcription.decoding import decode
from bridge.transcription.drums import DrumOnsets
from bridge.transcription.posteriors import POSTERIORS_VERSION, Posteriors
from bridge.transcription.profiles import profile_for

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal
    from bridge.transcription.settings import NoteSettings

#: Posteriors are mostly zeros: the fastest level makes a tenth of them.
COMPRESSION = 1


class Pitches:
    """A `Transcriber` for everything that has a pitch: hears posteriors, reads them by the stem's profile.

    Raises:
        EngineFailed: the network's file is missing or broken.
    """

    def __init__(self) -> None:
        self._network = BasicPitch()

    @property
    def name(self) -> str:
        return self._network.name

    @property
    def sample_rate_hz(self) -> int:
        return self._network.sample_rate_hz

    def identity(self) -> str:
        return f"{self.name} {_hash_of_network()} {POSTERIORS_VERSION}"

    def listen(self, audio: Signal, stem: str, control: Control) -> bytes:  # noqa: ARG002 - of the seam
        posteriors = self._network.posteriors(audio, control)
        control.checkpoint(1.0)
        file = io.BytesIO()
        np.savez(file, allow_pickle=False, **posteriors.arrays())
        return zlib.compress(file.getvalue(), COMPRESSION)

    def read(self, heard: bytes, stem: str, settings: NoteSettings) -> list[Note]:
        try:
            with np.load(io.BytesIO(zlib.decompress(heard)), allow_pickle=False) as arrays:
                posteriors = Posteriors.from_arrays(arrays)
        except zlib.error as error:
            raise ValueError(f"these are no posteriors: {error}") from error
        return decode(posteriors, profile_for(stem, settings))


class Drums:
    """A `Transcriber` for drum stems: what it hears are strokes, which no setting changes."""

    def __init__(self) -> None:
        self._onsets = DrumOnsets()

    @property
    def name(self) -> str:
        return self._onsets.name

    @property
    def sample_rate_hz(self) -> int:
        return self._onsets.sample_rate_hz

    def identity(self) -> str:
        return self.name

    def listen(self, audio: Signal, stem: str, control: Control) -> bytes:
        return msgspec.msgpack.encode(self._onsets.transcribe(audio, stem, control))

    def read(self, heard: bytes, stem: str, settings: NoteSettings) -> list[Note]:  # noqa: ARG002 - of the seam
        return msgspec.msgpack.decode(heard, type=list[Note])


@functools.cache
def _hash_of_network() -> str:
    return hashlib.sha256(find_model().read_bytes()).hexdigest()
