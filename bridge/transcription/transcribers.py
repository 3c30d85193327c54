"""The transcribers behind the seam: what each hears, as bytes that can be kept, and how those are read again."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.model import Note
from bridge.transcription.drums.transcriber import DrumDetector
from bridge.transcription.pitched.basic_pitch import BasicPitch, find_model
from bridge.transcription.pitched.decoder import decode_notes
from bridge.transcription.pitched.posteriors import POSTERIORS_VERSION, Posteriors
from bridge.transcription.pitched.profiles import profile_for

if TYPE_CHECKING:
    from bridge.note_settings import NoteSettings
    from bridge.protocols import Control, Signal

#: What was read last is kept, up to so many notes of all stems together: the same clip again is there at once.
MOST_NOTES_KEPT = 20_000
#: Posteriors are mostly zeros: the fastest level makes a tenth of them.
COMPRESSION = 1


class PitchedTranscriber:
    """A `Transcriber` for everything that has a pitch: hears posteriors, reads them by the stem's profile.

    Raises:
        EngineFailed: the network's file is missing or broken.
    """

    def __init__(self) -> None:
        self._network = BasicPitch()
        self._kept: OrderedDict[tuple[bytes, str, NoteSettings], tuple[Note, ...]] = OrderedDict()

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
        return pack_posteriors(posteriors)

    def read(self, heard: bytes, stem: str, settings: NoteSettings) -> list[Note]:
        key = (hashlib.sha256(heard).digest(), stem, settings)
        notes = self._kept.pop(key, None)
        if notes is None:
            notes = tuple(decode_notes(unpack_posteriors(heard), profile_for(stem, settings)))
        self._kept[key] = notes
        while sum(map(len, self._kept.values())) > MOST_NOTES_KEPT:
            self._kept.popitem(last=False)
        return list(notes)


class DrumTranscriber:
    """A `Transcriber` for drum stems: what it hears are strokes, which no setting changes."""

    def __init__(self) -> None:
        self._onsets = DrumDetector()

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


def pack_posteriors(posteriors: Posteriors) -> bytes:
    """A compressed `.npz` file of them, written array by array: an hour of posteriors is not held twice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name, array in posteriors.arrays().items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as content:  # dated 1980: always the same bytes
                np.lib.format.write_array(content, array, allow_pickle=False)
    return file.getvalue()


def unpack_posteriors(heard: bytes) -> Posteriors:
    """What `pack_posteriors` was given.

    Raises:
        ValueError: these are no posteriors.
    """
    try:
        with np.load(io.BytesIO(heard), allow_pickle=False) as arrays:
            return Posteriors.from_arrays(arrays)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise ValueError(f"these are no posteriors: {error}") from error


@functools.cache
def _hash_of_network() -> str:
    return hashlib.sha256(find_model().read_bytes()).hexdigest()
