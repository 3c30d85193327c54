"""What stands in for a transcriber that is installed and broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridge.errors import EngineFailed
from bridge.model import Note, Warning

if TYPE_CHECKING:
    from bridge.protocols import Control, NoteStream, Signal, Transcriber
    from bridge.request import NoteSettings


class InsteadOf:
    """A `Transcriber` in place of a broken one: another does the work, and each analysis warns."""

    def __init__(self, other: Transcriber[Any], error: EngineFailed) -> None:
        self._other = other
        self._warning = Warning(code="piano_unavailable", message=f"{error} Until then {other.name} is used.")

    @property
    def name(self) -> str:
        return self._other.name

    @property
    def sample_rate_hz(self) -> int:
        return self._other.sample_rate_hz

    def identity(self) -> str:
        return self._other.identity()

    def analyse(self, audio: Signal, stem: str, control: Control) -> Any:
        control.warn(self._warning)
        return self._other.analyse(audio, stem, control)

    def notes(self, analysis: Any, stem: str, settings: NoteSettings) -> list[Note]:
        return self._other.notes(analysis, stem, settings)

    def line_margin(self, analysis: Any, stem: str, settings: NoteSettings) -> float | None:
        return self._other.line_margin(analysis, stem, settings)

    def stream(
        self, audio: Signal, stem: str, settings: NoteSettings, control: Control, mix: Signal | None = None
    ) -> NoteStream[Any]:
        control.warn(self._warning)
        return self._other.stream(audio, stem, settings, control, mix)

    def pack(self, analysis: Any) -> bytes:
        return self._other.pack(analysis)

    def unpack(self, content: bytes) -> Any:
        return self._other.unpack(content)
