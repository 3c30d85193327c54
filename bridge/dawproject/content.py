"""What a project holds, before it is XML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.model import Chord, Music, Note


@dataclass(frozen=True)
class StemAudio:
    """The audio file of a stem or an opposite, as it lies in the archive."""

    stem: str
    path: str
    seconds: float
    """Length of the file."""
    sample_rate_hz: int
    channels: int


@dataclass(frozen=True)
class ProjectContent:
    """A clip with its stems and notes; times are in seconds from the clip's start."""

    name: str
    seconds: float
    """Length of the clip."""
    music: Music
    stems: Sequence[StemAudio] = ()
    parts: Mapping[str, Sequence[Note]] = field(default_factory=dict)
    """The notes of each stem."""
    chords: Sequence[Chord] = ()
    beat: float | None = None
    """Where the clip starts in the song, in quarter notes; None: nobody knows."""
    bends: bool = True
    """Whether the notes have their pitch bends."""
