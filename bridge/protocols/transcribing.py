"""The seams of transcription: what reads a stem, whole or while it grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from bridge.model import Note

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal
    from bridge.request import NoteSettings

#: What a transcriber extracts from a stem before any note setting applies; its own type.
Analysis = TypeVar("Analysis")
StreamedAnalysis = TypeVar("StreamedAnalysis", covariant=True)


class StreamedNotes(NamedTuple):
    """The notes of a stem of which only the beginning is known."""

    notes: Sequence[Note]
    """All that start before `until_seconds` and end after the `until_seconds` of the call before, by onset, then pitch;
    two of one pitch never overlap."""
    until_seconds: float
    """What starts before it never changes in onset, pitch, velocity and bends before it; a note that sounds here ends
    here or later, and its offset is final once it lies before."""


class NoteStream(Protocol[StreamedAnalysis]):
    """Transcribes one stem while its audio grows: notes that can no longer change, and in the end the analysis."""

    def advance(self, known_seconds: float) -> StreamedNotes:
        """The new notes, once the audio is complete and may be read up to `known_seconds`, which never falls.

        At the clip's end all notes are final, and `until_seconds` is its duration.

        Raises:
            EngineFailed: the analysis failed.
            Cancelled: the job was cancelled.
        """
        ...

    def analysis(self) -> StreamedAnalysis | None:
        """After the advance to the clip's end, what `Transcriber.analyse` of the whole gives: the same when packed.

        None if the transcriber needs the whole clip at once, so that it is still to be analysed.
        """
        ...


class Transcriber(Protocol[Analysis]):
    """Transcribes one stem in two steps: `analyse` is slow; `notes` derives notes from an analysis within milliseconds.

    The cache packs an analysis, so that a later job can derive notes with other settings.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int:
        """The sample rate of its input."""
        ...

    def identity(self) -> str:
        """Identifies its model and the format of its analysis: equal identities give equal analyses."""
        ...

    def analyse(self, audio: Signal, stem: str, control: Control) -> Analysis:
        """The analysis of `audio` (1 channel).

        Raises:
            EngineFailed: the analysis failed.
            Cancelled: the job was cancelled.
        """
        ...

    def notes(self, analysis: Analysis, stem: str, settings: NoteSettings) -> list[Note]:
        """The notes of an analysis, sorted by onset, then pitch; may be empty.

        Onsets are in [0, duration), offsets in (onset, duration], including notes at the end of the file.

        Raises:
            BadArguments: the settings leave no pitch.
        """
        ...

    def line_margin(self, analysis: Analysis, stem: str, settings: NoteSettings) -> float | None:
        """How clearly the stem is one line and was read so (above 0, at most 1), or has chords (below 0).

        None where nobody had to judge: the settings or the stem say how many voices there are.
        """
        ...

    def stream(
        self, audio: Signal, stem: str, settings: NoteSettings, control: Control, mix: Signal | None = None
    ) -> NoteStream[Analysis]:
        """The notes and the analysis of `audio` (1 channel) while it grows.

        Args:
            audio: as long as the whole clip; what is not known yet is not read.
            mix: the whole clip that the stem is part of, at any rate; it tells how loud the music will get.

        Raises:
            BadArguments: the settings leave no pitch.
            EngineFailed: a network is missing or broken.
        """
        ...

    def pack(self, analysis: Analysis) -> bytes:
        """The analysis as bytes; the same analysis gives the same bytes."""
        ...

    def unpack(self, content: bytes) -> Analysis:
        """The inverse of `pack`; the analysis gives the same notes as the packed one.

        Raises:
            ValueError: `content` holds no analysis of this transcriber.
        """
        ...


class Transcribers(Protocol):
    """Provides the transcriber for each stem and keeps them loaded."""

    def for_stem(self, stem: str) -> Transcriber[Any]:
        """The transcriber for a stem of `stems.STEMS` or for `mix`.

        Raises:
            BadArguments: there is no such stem.
            EngineFailed: the model is missing or broken.
        """
        ...
