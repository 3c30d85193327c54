"""The messages between the main process and the MIDI player."""

from __future__ import annotations

from typing import TypeAlias

from bridge.midi.schedule import Schedule
from bridge.model import MidiStatus, PlayOutcome
from bridge.value import Value


class Play(Value, frozen=True, kw_only=True, tag="play"):
    """Plays schedules that start together, each on its stem's port; earlier playback on that port ends."""

    schedules: tuple[Schedule, ...]
    sync: str = "now"
    """The source that they follow: `now` (none), `clock`, `jack` or `link`."""


class Stop(Value, frozen=True, kw_only=True, tag="stop"):
    """Ends the playbacks of one job; None: of all jobs."""

    job: str | None = None


class Panic(Value, frozen=True, kw_only=True, tag="panic"):
    """Ends everything and sends the silencing controllers on every channel of every port."""


class Silence(Value, frozen=True, kw_only=True, tag="silence"):
    """By stem, the messages that end what an earlier player may have left sounding, for each connection of its port."""

    ends: dict[str, tuple[bytes, ...]]


class Silenced(Value, frozen=True, kw_only=True, tag="silenced"):
    """The messages of `Silence` were sent to every connection that was made in time."""


class PlayerReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The ports are open, or `status.message` says why not. Sent again when that changes."""

    status: MidiStatus


class PlaybackWaiting(Value, frozen=True, kw_only=True, tag="waiting"):
    """A schedule is armed: it plays as soon as its source's transport rolls."""

    job: str
    stem: str
    sync: str


class PlaybackStarted(Value, frozen=True, kw_only=True, tag="started"):
    job: str
    stem: str
    seconds: float
    notes: int


class PlaybackPosition(Value, frozen=True, kw_only=True, tag="position"):
    """The current position in a schedule; negative before its start. A few times per second."""

    job: str
    stem: str
    seconds: float


class PlaybackFinished(Value, frozen=True, kw_only=True, tag="finished"):
    """A schedule has ended. Unless `waits` is set, this is its last report; each schedule gets exactly one such."""

    job: str
    stem: str
    outcome: PlayOutcome
    reason: str = ""
    """Why it failed; empty otherwise."""
    waits: bool = False
    """It stays armed until the transport rolls again."""


class LatenessReport(Value, frozen=True, kw_only=True, tag="lateness"):
    """How late a schedule's messages were handed to the port. Sent before its `PlaybackFinished`."""

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
