"""The `Transcriber` of a piano: transkun's notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.model import Note
from bridge.system.files import parsed
from bridge.transcription.legato import voice_ends
from bridge.transcription.piano.network import SAMPLE_RATE_HZ, PianoNetwork
from bridge.transcription.piano.package import CHECKPOINT, VERSION, PianoPackage
from bridge.transcription.pitched.profiles import profile_for

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal
    from bridge.request import NoteSettings

#: Changes whenever the windows, and with them the notes of the same network, change.
READING = 1
#: A gap of up to this length before the next note of a voice is none: fingers change keys, the string is damped late.
GAP_SECONDS = 0.1
#: A note may also end this long after the next one began.
OVERLAP_SECONDS = 0.02


class PianoTranscriber:
    """A `Transcriber` by transkun's network: its analysis is the notes themselves.

    Of the settings, shortest length, range and one line apply; the network gives no probabilities for thresholds.

    Raises:
        EngineFailed: the package is missing or broken.
    """

    name = "transkun"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self._network = PianoNetwork(PianoPackage.installed())

    def identity(self) -> str:
        return f"{self.name} {VERSION} {CHECKPOINT} {READING}"

    def analyse(self, audio: Signal, stem: str, control: Control) -> list[Note]:  # noqa: ARG002 - of the seam
        return self._network.notes(audio, control)

    def notes(self, analysis: list[Note], stem: str, settings: NoteSettings) -> list[Note]:
        return piano_notes(analysis, stem, settings)

    def line_margin(self, analysis: list[Note], stem: str, settings: NoteSettings) -> float | None:  # noqa: ARG002 - of the seam
        return None

    def pack(self, analysis: list[Note]) -> bytes:
        return msgspec.msgpack.encode(analysis)

    def unpack(self, content: bytes) -> list[Note]:
        return parsed(content, msgspec.msgpack.Decoder(list[Note]).decode)


def piano_notes(analysis: list[Note], stem: str, settings: NoteSettings) -> list[Note]:
    """The notes of an analysis by onset, then pitch, with the settings applied and small gaps in a voice closed.

    Raises:
        BadArguments: the settings leave no pitch.
    """
    profile = profile_for(stem, settings)
    kept = [note for note in _legato(analysis) if profile.lowest <= note.pitch <= profile.highest]
    if profile.monophonic:
        kept = _one_line(kept)
    shortest = settings.shortest_seconds or 0.0
    return [note for note in kept if note.offset_seconds - note.onset_seconds >= shortest]


def _legato(notes: list[Note]) -> list[Note]:
    """The notes, each held until the next of its voice where it ends shortly before or after that."""
    if not notes:
        return []
    onsets, offsets = (
        np.array([getattr(note, name) for note in notes]) for name in ("onset_seconds", "offset_seconds")
    )
    pitches = np.array([note.pitch for note in notes], np.intp)
    ends = voice_ends(onsets, offsets, pitches, offsets - OVERLAP_SECONDS, offsets + GAP_SECONDS).tolist()
    return [msgspec.structs.replace(note, offset_seconds=end) for note, end in zip(notes, ends, strict=True)]


def _one_line(notes: list[Note]) -> list[Note]:
    """The highest of the notes that start together, each cut where the next starts."""
    line: list[Note] = []
    for note in notes:
        if line and note.onset_seconds - line[-1].onset_seconds < GAP_SECONDS / 2:
            line[-1] = max(line[-1], note, key=lambda one: one.pitch)
            continue
        if line and line[-1].offset_seconds > note.onset_seconds:
            line[-1] = msgspec.structs.replace(line[-1], offset_seconds=note.onset_seconds)
        line.append(note)
    return line
