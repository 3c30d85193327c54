"""Messages between the main process and the one whose sound is heard."""

from __future__ import annotations

from typing import TypeAlias

from bridge.model import Note
from bridge.protocols.hearing import Track
from bridge.value import Value


class HearingSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message."""

    hear_on: str = "auto"
    """One of `config.OUTPUTS`."""


class Hear(Value, frozen=True, kw_only=True, tag="hear"):
    """Plays these tracks in place of others; answered by `HearingAnswer`."""

    token: int
    tracks: tuple[Track, ...]
    at_seconds: float = 0.0
    silent: tuple[str, ...] = ()


class SetSilent(Value, frozen=True, kw_only=True, tag="silent"):
    names: tuple[str, ...]


class ReplaceNotes(Value, frozen=True, kw_only=True, tag="notes"):
    name: str
    notes: tuple[Note, ...]


class Seek(Value, frozen=True, kw_only=True, tag="seek"):
    seconds: float


class Pause(Value, frozen=True, kw_only=True, tag="pause"):
    """The place is kept."""


class Resume(Value, frozen=True, kw_only=True, tag="resume"):
    """Goes on after a pause, or from the start after the end."""


class StopHearing(Value, frozen=True, kw_only=True, tag="stop"):
    """Silence; the output is closed."""


class HearingAnswer(Value, frozen=True, kw_only=True, tag="answer"):
    """Whether the tracks of a `Hear` play now."""

    token: int
    code: str = ""
    """Of the error that prevents it; empty: they play."""
    message: str = ""
    advice: str = ""


class Heard(Value, frozen=True, kw_only=True, tag="heard"):
    """What sounds now; after each change, and about ten times a second while something plays."""

    is_playing: bool
    seconds: float
    is_at_end: bool = False
    """Whether it rests there because everything was played; to go on is to begin anew then."""
    device: str = ""
    message: str = ""
    underruns: int = 0
    """How often the output has asked for more than was computed, since the process began."""


HearingCommand: TypeAlias = Hear | SetSilent | ReplaceNotes | Seek | Pause | Resume | StopHearing
HearingReport: TypeAlias = HearingAnswer | Heard
