"""The `Transcriber` of a piano: transkun's notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from bridge.control import PartControl
from bridge.model import Note
from bridge.system.files import parsed
from bridge.transcription.legato import CHORD_SECONDS, voice_ends
from bridge.transcription.piano.falls import falls_db
from bridge.transcription.piano.network import SAMPLE_RATE_HZ, PianoNetwork
from bridge.transcription.piano.package import CHECKPOINT, VERSION, PianoPackage
from bridge.transcription.pitched.profiles import profile_for
from bridge.transcription.streaming.notes_alone import NotesAlone
from bridge.transcription.transcribers import PitchedTranscriber

if TYPE_CHECKING:
    from bridge.protocols import Control, NoteStream, Signal
    from bridge.request import NoteSettings

#: Changes whenever the windows, and with them the notes of the same network, change.
READING = 1
#: What of the work is the network's; the rest measures levels.
NETWORK_SHARE = 0.98
#: Strings ring where the median fall of the notes within this time is less than a damped string's 50 dB/s.
RINGING_DB, AROUND_SECONDS = 5.0, 4.0
#: Where they ring, a note lasts until the next of its voice, if that begins at most this long after the network's
#: offset, or this little before it.
GAP_SECONDS, OVERLAP_SECONDS = 0.1, 0.02


class PianoAnalysis(msgspec.Struct, frozen=True):
    """The network's notes, and what tells whether its offsets can be heard."""

    notes: tuple[Note, ...]
    """By onset, then pitch."""
    falls_db: tuple[float, ...]
    """By how much each falls in the 0.1 s after its offset."""


class PianoTranscriber:
    """A `Transcriber` by transkun's network: its analysis is the notes, before any setting.

    Of the settings, shortest length, range and one line apply; the network gives no probabilities for thresholds.

    Raises:
        EngineFailed: the package is missing or broken.
    """

    name = "transkun"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self) -> None:
        self._network = PianoNetwork(PianoPackage.installed())
        self._live: PitchedTranscriber | None = None

    def identity(self) -> str:
        return f"{self.name} {VERSION} {CHECKPOINT} {READING}"

    def analyse(self, audio: Signal, stem: str, control: Control) -> PianoAnalysis:  # noqa: ARG002 - of the seam
        notes = self._network.notes(audio, PartControl(control, 0.0, NETWORK_SHARE))
        falls = falls_db(audio, notes)
        control.checkpoint(1.0)
        return PianoAnalysis(tuple(notes), tuple(falls.tolist()))

    def notes(self, analysis: PianoAnalysis, stem: str, settings: NoteSettings) -> list[Note]:
        return piano_notes(analysis, stem, settings)

    def line_margin(self, analysis: PianoAnalysis, stem: str, settings: NoteSettings) -> float | None:  # noqa: ARG002 - of the seam
        return None

    def stream(
        self, audio: Signal, stem: str, settings: NoteSettings, control: Control, mix: Signal | None = None
    ) -> NoteStream[PianoAnalysis]:
        """Live notes are basic-pitch's, since transkun reads 16 s at once; the whole is still to be analysed."""
        if self._live is None:
            self._live = PitchedTranscriber()
        return NotesAlone(self._live, audio, stem, settings, control, mix)

    def pack(self, analysis: PianoAnalysis) -> bytes:
        return msgspec.msgpack.encode(analysis)

    def unpack(self, content: bytes) -> PianoAnalysis:
        analysis = parsed(content, msgspec.msgpack.Decoder(PianoAnalysis).decode)
        if len(analysis.notes) != len(analysis.falls_db):
            raise ValueError("not a valid analysis: one fall belongs to each note")
        return analysis


def piano_notes(analysis: PianoAnalysis, stem: str, settings: NoteSettings) -> list[Note]:
    """The notes of an analysis by onset, then pitch, with the settings applied; ringing ones reach the next.

    Raises:
        BadArguments: the settings leave no pitch.
    """
    profile = profile_for(stem, settings)
    kept = [note for note in _with_voice_ends(analysis) if profile.lowest <= note.pitch <= profile.highest]
    if profile.monophonic:
        kept = _one_line(kept)
    shortest = settings.shortest_seconds or 0.0
    return [note for note in kept if note.offset_seconds - note.onset_seconds >= shortest]


def _with_voice_ends(analysis: PianoAnalysis) -> list[Note]:
    """The notes; where the strings ring, each lasts until the next of its voice if that is near its end."""
    notes = analysis.notes
    onsets, offsets = (
        np.array([getattr(note, name) for note in notes]) for name in ("onset_seconds", "offset_seconds")
    )
    pitches, falls = np.array([note.pitch for note in notes], np.intp), np.array(analysis.falls_db)
    first = np.searchsorted(onsets, onsets - AROUND_SECONDS).tolist()
    last = np.searchsorted(onsets, onsets + AROUND_SECONDS).tolist()
    medians = np.array([np.median(falls[start:stop]) for start, stop in zip(first, last, strict=True)])
    ringing = medians < RINGING_DB
    latest = np.where(ringing, offsets + GAP_SECONDS, -np.inf)
    ends = voice_ends(onsets, offsets, pitches, offsets - OVERLAP_SECONDS, latest).tolist()
    return [msgspec.structs.replace(note, offset_seconds=end) for note, end in zip(notes, ends, strict=True)]


def _one_line(notes: list[Note]) -> list[Note]:
    """The highest of the notes that start together, each cut where the next starts."""
    line: list[Note] = []
    for note in notes:
        if line and note.onset_seconds - line[-1].onset_seconds < CHORD_SECONDS:
            line[-1] = max(line[-1], note, key=lambda one: one.pitch)
            continue
        if line and line[-1].offset_seconds > note.onset_seconds:
            line[-1] = msgspec.structs.replace(line[-1], offset_seconds=note.onset_seconds)
        line.append(note)
    return line
