"""Events, as frozen values: the only thing that worker, player and scheduler send to store, OSC and screen.

A job's history is the list of its events. `lifecycle.apply` folds them into a `Job`.
"""

from __future__ import annotations

from typing import TypeAlias

from bridge.model import (
    Computing,
    Failure,
    Job,
    Lateness,
    MidiStatus,
    Music,
    Outcome,
    PlayOutcome,
    Result,
    Stage,
    Warning,
)
from bridge.request import JobRequest
from bridge.value import Value

__all__ = [
    "Analysed",
    "Cancelling",
    "ComputingMoved",
    "Ended",
    "Event",
    "GroupEnded",
    "HorizonMoved",
    "JobEvent",
    "LiveNotes",
    "MidiDelayed",
    "MidiEnded",
    "MidiMoved",
    "MidiEvent",
    "MidiReady",
    "MidiStarted",
    "MidiStarved",
    "MidiWaiting",
    "Noticed",
    "Preview",
    "PullEvent",
    "Pulled",
    "Pulling",
    "Produced",
    "Progressed",
    "Removed",
    "Requeued",
    "Restored",
    "Started",
    "Submitted",
    "Warned",
    "WorkerChanged",
]


class Submitted(Value, frozen=True, kw_only=True, tag="submitted"):
    """A job was queued."""

    job: str
    name: str
    request: JobRequest
    unix_seconds: float
    group_id: str = ""
    """The group that it joined; empty: none."""
    position: int = 0
    """Its place in the group, from 1; 0 without a group."""
    origin: str = ""
    """Who asked for it, in words: `screen`, or an OSC client's name; empty: unknown."""


class Started(Value, frozen=True, kw_only=True, tag="started"):
    """The worker has started the job and knows its output folder; sent again when `auto` is resolved to an engine."""

    job: str
    engine: str
    device: str
    output_dir: str
    created: tuple[str, ...] = ()
    """Folders that are made for the job, topmost first; told before they are made."""


class Requeued(Value, frozen=True, kw_only=True, tag="requeued"):
    """A job that had begun waits again: it will be run once more from its beginning."""

    job: str
    reason: str = ""
    """How the bridge or its worker died in the job, in words; empty: the job is not to blame, such as for a close."""


class Cancelling(Value, frozen=True, kw_only=True, tag="cancelling"):
    """A job is to be cancelled; its end follows, also if the bridge dies before."""

    job: str


class Progressed(Value, frozen=True, kw_only=True, tag="progressed"):
    """`fraction` is the share of the whole job that is done; `eta_seconds` is None while unknown.

    At most five a second per job; the first of a stage at once.
    """

    job: str
    stage: Stage
    fraction: float
    eta_seconds: float | None = None
    is_slower: bool = False
    """Whether the remaining time has risen: the work is slower than before on this machine."""


class Warned(Value, frozen=True, kw_only=True, tag="warned"):
    job: str
    warning: Warning


class Produced(Value, frozen=True, kw_only=True, tag="produced"):
    """One file is complete on disk."""

    job: str
    result: Result


class Analysed(Value, frozen=True, kw_only=True, tag="analysed"):
    """Tempo, metre and key of the notes are known."""

    job: str
    music: Music


class Ended(Value, frozen=True, kw_only=True, tag="ended"):
    """The last event of every job, but for its removal from the list."""

    job: str
    outcome: Outcome
    unix_seconds: float
    failure: Failure | None = None


class Removed(Value, frozen=True, kw_only=True, tag="removed"):
    """A job that is over was taken off the list; its files stay."""

    job: str
    unix_seconds: float


class Restored(Value, frozen=True, kw_only=True, tag="restored"):
    """A removed job is on the list again."""

    job: str
    unix_seconds: float
    value: Job | None = None
    """The job, for those who have forgotten it or never knew it; None in the history."""


class GroupEnded(Value, frozen=True, kw_only=True, tag="group_ended"):
    """All jobs of a group are over; comes once, after the last one's `Ended`."""

    group_id: str
    name: str
    done: int
    failed: int
    cancelled: int

    @property
    def clips(self) -> int:
        return self.done + self.failed + self.cancelled

    @property
    def outcome(self) -> Outcome:
        """`done`: all jobs are; `failed`: some failed; `cancelled`: none failed, and some were cancelled."""
        return "failed" if self.failed else "cancelled" if self.cancelled else "done"


class MidiReady(Value, frozen=True, kw_only=True, tag="midi_ready"):
    """The MIDI player has opened its ports, or reports why it could not."""

    status: MidiStatus


class MidiWaiting(Value, frozen=True, kw_only=True, tag="midi_waiting"):
    """Notes are armed: they play as soon as the DAW's transport starts."""

    job: str
    stem: str
    sync: str
    """What they follow: one of `request.SYNCS`, not `now`."""


class MidiStarted(Value, frozen=True, kw_only=True, tag="midi_started"):
    job: str
    stem: str
    seconds: float
    notes: int
    is_open: bool = False
    """More notes are still being found: `seconds` and `notes` are of those known so far."""


class MidiStarved(Value, frozen=True, kw_only=True, tag="midi_starved"):
    """A live playback has reached its horizon before the job moved it on: it is silent until more notes are known.

    Comes once each time; nothing is said when the notes go on.
    """

    job: str
    stem: str
    seconds: float
    """Where, from the start of the notes."""


class MidiMoved(Value, frozen=True, kw_only=True, tag="midi_moved"):
    """Playback position in seconds from the start of the notes; negative before it. At most 5 a second per stem."""

    job: str
    stem: str
    seconds: float


class MidiEnded(Value, frozen=True, kw_only=True, tag="midi_ended"):
    """Playback has ended, or will not start. Exactly one without `stays_armed` ends each stem of a play."""

    job: str
    stem: str
    outcome: PlayOutcome
    lateness: Lateness | None = None
    """None if nothing was sent."""
    stays_armed: bool = False
    """The notes follow a DAW and play again when its transport rolls; `MidiWaiting` comes next."""
    missed: int = 0
    """Notes of a live playback that were known too late, and were silent; of this take."""


class Preview(Value, frozen=True, kw_only=True):
    """A stem of a running job as a 32-bit float WAV file that grows; its header has the final length."""

    stem: str
    path: str
    sample_rate_hz: int
    channels: int


class LiveNotes(Value, frozen=True, kw_only=True, tag="live_notes"):
    """What can be played of a running job, from the worker: messages that follow those sent before. Not stored."""

    job: str
    parts: dict[str, tuple[tuple[float, bytes], ...]]
    """By stem, each MIDI message with its time in seconds from the clip's start; all stems of the take, some empty."""
    until_seconds: float
    """How far the notes are known."""
    heard_seconds: float
    """How far the stems are made, of which they are read."""
    clip_seconds: float
    tempo_bpm: float
    """The tempo that the notes are written at, in quarter notes per minute."""
    previews: tuple[Preview, ...] = ()
    """As in `HorizonMoved`."""
    is_last: bool = False
    failure: str = ""
    """Why no more notes will come, although the job goes on; a sentence."""


class MidiDelayed(Value, frozen=True, kw_only=True, tag="midi_delayed"):
    """A job that plays live is separated so slowly that its notes begin later, so that they never run out."""

    job: str
    seconds: float
    """In about how many seconds from now."""

    @property
    def words(self) -> str:
        return f"Separating is slow here: the notes start in about {self.seconds:.0f} s, so that they never run out."


class HorizonMoved(Value, frozen=True, kw_only=True, tag="horizon_moved"):
    """How much of a running job can be played already."""

    job: str
    seconds: float
    """From the clip's start."""
    previews: tuple[Preview, ...] = ()
    """The stems that can be heard as far as that, from now until the job ends; each is told of once."""


class WorkerChanged(Value, frozen=True, kw_only=True, tag="worker_changed"):
    """The worker is `starting`, `ready`, `busy` or `down`."""

    state: str
    device: str = ""


class ComputingMoved(Value, frozen=True, kw_only=True, tag="computing_moved"):
    """From now on jobs are computed somewhere else: a farm has come or gone."""

    computing: Computing


class Noticed(Value, frozen=True, kw_only=True, tag="noticed"):
    """A log line that belongs to no job."""

    level: str
    """`info`, `warning` or `error`."""
    message: str


class Pulling(Value, frozen=True, kw_only=True, tag="pulling"):
    """A model's weights are on their way."""

    name: str
    fraction: float
    """0 to 1; never falls within a download."""


class Pulled(Value, frozen=True, kw_only=True, tag="pulled"):
    """The end of a download."""

    name: str
    failure: Failure | None = None
    """None: the model is here, unless the download was cancelled."""
    is_cancelled: bool = False


JobEvent: TypeAlias = (
    Submitted | Requeued | Started | Cancelling | Progressed | Warned | Produced | Analysed | Ended | Removed | Restored
)
MidiEvent: TypeAlias = MidiWaiting | MidiStarted | MidiStarved | MidiMoved | MidiEnded
PullEvent: TypeAlias = Pulling | Pulled
Event: TypeAlias = (
    JobEvent
    | GroupEnded
    | MidiReady
    | MidiEvent
    | HorizonMoved
    | MidiDelayed
    | WorkerChanged
    | ComputingMoved
    | Noticed
    | PullEvent
)
