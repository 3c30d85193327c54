"""Live notes for a stem whose transcriber reads the whole clip at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.audio.resample import reach_frames, resampled

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StreamedNotes, Transcriber
    from bridge.request import NoteSettings


class NotesAlone:
    """A `NoteStream` of another transcriber's notes, without an analysis: the whole clip is still to be analysed."""

    def __init__(
        self,
        other: Transcriber[Any],
        audio: Signal,
        stem: str,
        settings: NoteSettings,
        control: Control,
        mix: Signal | None,
    ) -> None:
        rate = audio.sample_rate_hz
        self._seconds = audio.frames / rate
        self._reach_seconds = reach_frames(rate, other.sample_rate_hz, rate) / rate
        self._notes = other.stream(resampled(audio, other.sample_rate_hz), stem, settings, control, mix)

    def advance(self, known_seconds: float) -> StreamedNotes:
        is_whole = known_seconds >= self._seconds
        return self._notes.advance(known_seconds if is_whole else max(0.0, known_seconds - self._reach_seconds))

    def analysis(self) -> None:
        return None
