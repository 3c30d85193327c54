"""What the main process and the MIDI player say to each other."""

from __future__ import annotations

from typing import TypeAlias

from bridge.midi.schedule import Schedule
from bridge.model import MidiStatus, PlayOutcome, Value


class Play(Value, frozen=True, kw_only=True, tag="play"):
    """Plays schedules that start together, each on its stem's port; what that port was playing ends first."""

    schedules: tuple[Schedule, ...]
    sync: str = "now"
    """What they follow: `now` (nothing), `clock`, `jack` or `link`."""


class Stop(Value, frozen=True, kw_only=True, tag="stop"):
    """Ends the playbacks of one job; None: of all."""

    job: str | None = None


class Panic(Value, frozen=True, kw_only=True, tag="panic"):
    """Ends everything and sends the silencing controllers on every channel of every port."""


class Silence(Value, frozen=True, kw_only=True, tag="silence"):
    """By stem, what ends all that a player before this one may have left sounding: to be told to all who listen."""

    ends: dict[str, tuple[bytes, ...]]


class Silenced(Value, frozen=True, kw_only=True, tag="silenced"):
    """All who came in time have been told what `Silence` said."""


class PlayerReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The ports are open, or `status.message` says why not. Sent again where that changes."""

    status: MidiStatus


class PlaybackWaiting(Value, frozen=True, kw_only=True, tag="waiting"):
    """A schedule is armed: it plays as soon as the music that it follows rolls."""

    job: str
    stem: str
    sync: str


class PlaybackStarted(Value, frozen=True, kw_only=True, tag="started"):
    job: str
    stem: str
    seconds: float
    notes: int


class PlaybackPosition(Value, frozen=True, kw_only=True, tag="position"):
    """How far a schedule is; negative before its start. A few times a second."""

    job: str
    stem: str
    seconds: float


class PlaybackFinished(Value, frozen=True, kw_only=True, tag="finished"):
    """A schedule has played, or will not. The last word on it, unless it still waits; each gets exactly one last."""

    job: str
    stem: str
    outcome: PlayOutcome
    reason: str = ""
    """Why it failed, in words; empty otherwise."""
    waits: bool = False
    """It stays armed, for the next time that the music rolls."""


class LatenessReport(Value, frozen=True, kw_only=True, tag="lateness"):
    """By how much a schedule's messages were handed to the port too late. Comes before its `PlaybackFinished`."""

    job: str
    stem: str
    messages: int
    p50_ms: float
    p99_ms: float
    worst_ms: float


Command: TypeAlias = Play | Stop | Panic | Silence
Report: TypeAlias = (
    PlayerReady | Silenced | PlaybackWaiting | PlaybackStarted | PlaybackPosition | PlaybackFinished | LatenessReport
)
