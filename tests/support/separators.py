"""Predictable engines and transcribers for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.model import Bend, Note
from bridge.protocols import Context, Control, Separator, Signal, Transcriber

if TYPE_CHECKING:
    from bridge.protocols import StemBlock
    from bridge.request import NoteSettings


@dataclass
class SharesSeparator:
    """Each stem is a fixed share of the mix; yields blocks of `block` frames."""

    shares: dict[str, float] = field(default_factory=lambda: {"vocals": 0.4, "drums": 0.3, "bass": 0.2, "other": 0.05})
    sample_rate_hz: int | None = None
    block: int = 1000
    name: str = "shares"
    device: str = "cpu"
    asked: list[tuple[str, ...]] = field(default_factory=list)
    early: list[bool] = field(default_factory=list)
    needed_context: Context = field(default_factory=lambda: Context(0))
    before_block: Callable[[int], None] = lambda _: None

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.shares)

    def context(self, sample_rate_hz: int) -> Context:
        del sample_rate_hz
        return self.needed_context

    def identity(self) -> str:
        return "shares-1"

    def separate(
        self,
        mix: Signal,
        stems: Sequence[str],
        control: Control,
        *,
        early: bool = False,
    ) -> Iterator[StemBlock]:
        assert mix.channels == 2
        self.asked.append(tuple(stems))
        self.early.append(early)
        for start in range(0, mix.frames, self.block):
            self.before_block(start)
            control.checkpoint(start / mix.frames)
            samples = mix.read(start, min(start + self.block, mix.frames))
            yield {stem: (samples * np.float32(self.shares[stem])).astype(np.float32) for stem in stems}
        control.checkpoint(1.0)


@dataclass
class OneNoteTranscriber:
    """The analysis is the length of the audio; the notes are one note of that length, unless it is filtered out."""

    sample_rate_hz: int = 22_050
    name: str = "one-note"
    analysed: list[str] = field(default_factory=list)

    def identity(self) -> str:
        return "one-note-1"

    def analyse(self, audio: Signal, stem: str, control: Control) -> float:
        assert audio.channels == 1
        self.analysed.append(stem)
        control.checkpoint(1.0)
        return audio.frames / audio.sample_rate_hz

    def notes(self, analysis: float, stem: str, settings: NoteSettings) -> list[Note]:
        pitch, seconds = 36 if stem == "drums" else 60, analysis
        if settings.shortest_seconds is not None and seconds < settings.shortest_seconds:
            return []
        if settings.lowest_pitch is not None and pitch < settings.lowest_pitch:
            return []
        bends = (Bend(time_seconds=0.0, semitones=0.25),)
        return [Note(onset_seconds=0.0, offset_seconds=seconds, pitch=pitch, velocity=90, bends=bends)]

    def line_margin(self, analysis: float, stem: str, settings: NoteSettings) -> float | None:  # noqa: ARG002 - of the seam
        return 0.5 if stem == "other" and settings.monophonic is None else None

    def pack(self, analysis: float) -> bytes:
        return str(analysis).encode()

    def unpack(self, content: bytes) -> float:
        return float(content)


@dataclass
class OneEngine:
    """Opens the same engine for every name."""

    separator: Separator = field(default_factory=SharesSeparator)

    def open(self, name: str, *, device: str, control: Control, seconds: float = 0.0) -> Separator:  # noqa: ARG002
        del name, device
        control.checkpoint(1.0)
        return self.separator

    def pull(self, name: str, control: Control) -> None:
        del name
        control.checkpoint(1.0)


@dataclass
class OneTranscriber:
    """Uses the same transcriber for every stem."""

    transcriber: Transcriber[Any] = field(default_factory=OneNoteTranscriber)

    def for_stem(self, stem: str) -> Transcriber[Any]:
        del stem
        return self.transcriber
