"""What happens, as frozen values; the only thing that travels from the moving parts to store, OSC and screen.

A job's history is the list of its events. `lifecycle.apply` folds them into a `Job`.
"""

from __future__ import annotations

from typing import TypeAlias

from bridge.model import (
    Failure,
    JobRequest,
    Lateness,
    MidiStatus,
    Music,
    Outcome,
    PlayOutcome,
    Result,
    Stage,
    Value,
    Warning,
)

__all__ = [
    "Analysed",
    "Ended",
    "Event",
    "JobEvent",
    "MidiEnded",
    "MidiMoved",
    "MidiEvent",
    "MidiReady",
    "MidiStarted",
    "MidiWaiting",
    "Noticed",
    "Produced",
    "Progressed",
    "Started",
    "Submitted",
    "Warned",
    "WorkerChanged",
]


class Submitted(Value, frozen=True, kw_only=True, tag="submitted"):
    """A job was taken into the queue."""

    job: str
    name: str
    request: JobRequest
    unix_seconds: float


class Started(Value, frozen=True, kw_only=True, tag="started"):
    """The worker has begun and knows where the results go; sent again when `auto` has become an engine's name."""

    job: str
    engine: str
    device: str
    output_dir: str


class Progressed(Value, frozen=True, kw_only=True, tag="progressed"):
    """`fraction` is the share of the whole job; `eta_seconds` is None where nothing is known yet."""

    job: str
    stage: Stage
    fraction: float
    eta_seconds: float | None = None
    is_slower: bool = False
    """Whether the time left has risen in the meantime: the work is slower than it was on this machine before."""


class Warned(Value, frozen=True, kw_only=True, tag="warned"):
    job: str
    warning: Warning


class Produced(Value, frozen=True, kw_only=True, tag="produced"):
    """One file is complete on disk."""

    job: str
    result: Result


class Analysed(Value, frozen=True, kw_only=True, tag="analysed"):
    """The tempo that the notes are written at is known, and their key."""

    job: str
    music: Music


class Ended(Value, frozen=True, kw_only=True, tag="ended"):
    """The last event of every job."""

    job: str
    outcome: Outcome
    unix_seconds: float
    failure: Failure | None = None


class MidiReady(Value, frozen=True, kw_only=True, tag="midi_ready"):
    """The MIDI player has opened its ports, or says why it could not."""

    status: MidiStatus


class MidiWaiting(Value, frozen=True, kw_only=True, tag="midi_waiting"):
    """Notes are armed: they play as soon as the music that they follow rolls."""

    job: str
    stem: str
    sync: str
    """`clock`, `jack` or `link`."""


class MidiStarted(Value, frozen=True, kw_only=True, tag="midi_started"):
    job: str
    stem: str
    seconds: float
    notes: int


class MidiMoved(Value, frozen=True, kw_only=True, tag="midi_moved"):
    """Where notes that play are, in seconds from their start; negative before it. At most 5 a second for each stem."""

    job: str
    stem: str
    seconds: float


class MidiEnded(Value, frozen=True, kw_only=True, tag="midi_ended"):
    """Notes have played, or will not. Where they follow a DAW and stay armed, `MidiWaiting` comes after it."""

    job: str
    stem: str
    outcome: PlayOutcome
    lateness: Lateness | None = None
    """None where nothing was sent."""


class WorkerChanged(Value, frozen=True, kw_only=True, tag="worker_changed"):
    """The inference worker is `starting`, `ready`, `busy` or `down`."""

    state: str
    device: str = ""


class Noticed(Value, frozen=True, kw_only=True, tag="noticed"):
    """A line for the log that belongs to no job."""

    level: str
    """`info`, `warning` or `error`."""
    message: str


JobEvent: TypeAlias = Submitted | Started | Progressed | Warned | Produced | Analysed | Ended
MidiEvent: TypeAlias = MidiWaiting | MidiStarted | MidiMoved | MidiEnded
Event: TypeAlias = JobEvent | MidiReady | MidiEvent | WorkerChanged | Noticed
