"""The implementations of `Transcriber`: audio to an analysis, analysis to notes; and the analyses as bytes."""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.model import Note
from bridge.system.files import parsed
from bridge.transcription.drums.transcriber import DrumDetector
from bridge.transcription.pitched.basic_pitch import BasicPitch, find_model
from bridge.transcription.pitched.bass.bass_reading import BassReading
from bridge.transcription.pitched.bass.swift_f0 import SwiftF0, find_pitch_network
from bridge.transcription.pitched.decoder import decode_notes, line_margin
from bridge.transcription.pitched.posteriors import POSTERIORS_VERSION, Posteriors
from bridge.transcription.pitched.profiles import profile_for
from bridge.transcription.pitched.reading import PosteriorsReading
from bridge.transcription.streaming.drum_stream import DrumStream
from bridge.transcription.streaming.pitched_stream import GrowingPosteriors, PitchedStream

if TYPE_CHECKING:
    from bridge.protocols import Control, NoteStream, Signal
    from bridge.request import NoteSettings

#: The stem that goes below what the network knows.
BASS = "bass"
#: Posteriors are mostly zeros: the fastest zlib level shrinks them to a tenth.
COMPRESSION = 1


class PitchedTranscriber:
    """A `Transcriber` for pitched stems: its analysis is posteriors, which are decoded by the stem's profile.

    Raises:
        EngineFailed: the network's file is missing or broken.
    """

    def __init__(self) -> None:
        self._network = BasicPitch()
        self._tracker: SwiftF0 | None = None

    @property
    def name(self) -> str:
        return self._network.name

    @property
    def sample_rate_hz(self) -> int:
        return self._network.sample_rate_hz

    def identity(self) -> str:
        return f"{self.name} {_hash(find_model())} {_hash(find_pitch_network())} {POSTERIORS_VERSION}"

    def analyse(self, audio: Signal, stem: str, control: Control) -> Posteriors:
        reading = self._reading(audio, stem)
        reading.advance(audio.frames, control)
        return reading.whole()

    def notes(self, analysis: Posteriors, stem: str, settings: NoteSettings) -> list[Note]:
        return decode_notes(analysis, profile_for(stem, settings))

    def line_margin(self, analysis: Posteriors, stem: str, settings: NoteSettings) -> float | None:
        return line_margin(analysis, profile_for(stem, settings))

    def stream(
        self, audio: Signal, stem: str, settings: NoteSettings, control: Control, mix: Signal | None = None
    ) -> NoteStream[Posteriors]:
        return PitchedStream(self._reading(audio, stem), profile_for(stem, settings), control, mix)

    def pack(self, analysis: Posteriors) -> bytes:
        return pack_posteriors(analysis)

    def unpack(self, content: bytes) -> Posteriors:
        return unpack_posteriors(content)

    def _reading(self, audio: Signal, stem: str) -> GrowingPosteriors:
        if stem != BASS:
            return PosteriorsReading(self._network, audio)
        if self._tracker is None:
            self._tracker = SwiftF0()
        return BassReading(self._network, self._tracker, audio)


class DrumTranscriber:
    """A `Transcriber` for drum stems: its analysis is the notes themselves; settings do not change them."""

    def __init__(self) -> None:
        self._detector = DrumDetector()

    @property
    def name(self) -> str:
        return self._detector.name

    @property
    def sample_rate_hz(self) -> int:
        return self._detector.sample_rate_hz

    def identity(self) -> str:
        return self.name

    def analyse(self, audio: Signal, stem: str, control: Control) -> list[Note]:
        return self._detector.transcribe(audio, stem, control)

    def notes(self, analysis: list[Note], stem: str, settings: NoteSettings) -> list[Note]:  # noqa: ARG002 - of the seam
        return list(analysis)

    def line_margin(self, analysis: list[Note], stem: str, settings: NoteSettings) -> float | None:  # noqa: ARG002 - of the seam
        return None

    def stream(
        self,
        audio: Signal,
        stem: str,  # noqa: ARG002 - of the seam
        settings: NoteSettings,  # noqa: ARG002
        control: Control,
        mix: Signal | None = None,  # noqa: ARG002
    ) -> NoteStream[list[Note]]:
        return DrumStream(audio, self._detector.classifier, control)

    def pack(self, analysis: list[Note]) -> bytes:
        return msgspec.msgpack.encode(analysis)

    def unpack(self, content: bytes) -> list[Note]:
        return parsed(content, msgspec.msgpack.Decoder(list[Note]).decode)


def pack_posteriors(posteriors: Posteriors) -> bytes:
    """A compressed `.npz` file, written array by array so that an hour of posteriors is not in memory twice."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as archive:
        for name, array in posteriors.arrays().items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as content:  # dated 1980: always the same bytes
                np.lib.format.write_array(content, array, allow_pickle=False)
    return file.getvalue()


def unpack_posteriors(analysis: bytes) -> Posteriors:
    """The inverse of `pack_posteriors`.

    Raises:
        ValueError: `analysis` does not hold posteriors.
    """
    try:
        with np.load(io.BytesIO(analysis), allow_pickle=False) as arrays:
            return Posteriors.from_arrays(arrays)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise ValueError(f"not valid posteriors: {error}") from error


@functools.cache
def _hash(network: Path) -> str:
    return hashlib.sha256(network.read_bytes()).hexdigest()
