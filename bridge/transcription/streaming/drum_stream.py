"""The hits of a drum stem while its audio grows: named by comparing them with the hits of the last minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.model import Note
from bridge.transcription.drums.band_spectrogram import BandReading
from bridge.transcription.drums.classifier import DrumClassifier
from bridge.transcription.drums.transcriber import drum_notes
from bridge.transcription.streaming.final_notes import FinalNotes
from bridge.transcription.streaming.known import known_frames
from bridge.transcription.streaming.pitched_stream import moved

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StreamedNotes

#: Hits so long ago are no longer compared with, so that a piece of a long clip costs no more than one of a short.
HEARD_SECONDS = 60.0
#: What lies this shortly before the end of what is known may still change.
DELAY_SECONDS = 0.6


class DrumStream:
    """A `NoteStream` of a drum stem."""

    def __init__(self, audio: Signal, classifier: DrumClassifier, control: Control) -> None:
        self._reading = BandReading(audio)
        self._classifier, self._control = classifier, control
        self._notes = FinalNotes()

    def advance(self, known_seconds: float) -> StreamedNotes:
        audio = self._reading.audio
        known = known_frames(audio, known_seconds)
        self._reading.advance(known, self._control)
        rate = self._reading.frame_rate_hz
        is_whole = known >= audio.frames
        until = (
            audio.frames / audio.sample_rate_hz
            if is_whole
            else (self._reading.frames - round(DELAY_SECONDS * rate)) / rate
        )
        if until > self._notes.until_seconds:
            start = max(0, round((self._notes.until_seconds - HEARD_SECONDS) * rate))
            notes = drum_notes(self._reading.between(start, self._reading.frames), self._classifier)
            self._notes.extend([moved(note, start / rate) for note in notes], until, start / rate)
        return self._notes.take()

    def analysis(self) -> list[Note]:
        return drum_notes(self._reading.whole(), self._classifier)
