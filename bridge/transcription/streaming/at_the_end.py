"""The simplest stream: it waits for the end of the clip and analyses the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from bridge.protocols.transcribing import Analysis, StreamedNotes

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, Transcriber
    from bridge.request import NoteSettings


class AtTheEnd(Generic[Analysis]):
    """A `NoteStream` whose notes all come with the last advance."""

    def __init__(
        self, transcriber: Transcriber[Analysis], audio: Signal, stem: str, settings: NoteSettings, control: Control
    ) -> None:
        self._transcriber, self._audio, self._control = transcriber, audio, control
        self._stem, self._settings = stem, settings
        self._analysis: Analysis | None = None

    def advance(self, known_seconds: float) -> StreamedNotes:
        rate = self._audio.sample_rate_hz
        if known_seconds * rate <= self._audio.frames - 1:
            return StreamedNotes((), 0.0)
        self._analysis = self._transcriber.analyse(self._audio, self._stem, self._control)
        notes = self._transcriber.notes(self._analysis, self._stem, self._settings)
        return StreamedNotes(notes, self._audio.frames / rate)

    def analysis(self) -> Analysis | None:
        return self._analysis
