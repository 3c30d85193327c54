"""The words of the domain: frozen values, no input or output.

Times are in seconds from the start of the clip's region, unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: Every stem a model may give, in the order in which people list them.
STEMS: tuple[str, ...] = ("vocals", "drums", "bass", "other", "guitar", "piano")

STAGES: tuple[str, ...] = ("queued", "loading", "separating", "transcribing", "writing")

Stage = Literal["queued", "loading", "separating", "transcribing", "writing"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Outcome = Literal["done", "failed", "cancelled"]
Kind = Literal["stem", "midi"]
PlayOutcome = Literal["finished", "stopped", "failed"]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all values: immutable, compared by content, ready for the wire and the disk."""


class Bend(Value, frozen=True, kw_only=True):
    """Where a note's pitch lies against its written pitch, from one moment on."""

    time_seconds: float
    semitones: float


class Note(Value, frozen=True, kw_only=True):
    """One sounding note of a stem."""

    onset_seconds: float
    offset_seconds: float
    pitch: int
    """MIDI note number, 0–127; on a drum stem a General MIDI percussion key."""
    velocity: int
    """1–127."""
    confidence: float = 1.0
    """0–1: how sure the transcriber is that the note is there."""
    bends: tuple[Bend, ...] = ()
    """In order of time, within the note; empty where the pitch stays put."""


class JobRequest(Value, frozen=True, kw_only=True):
    """What somebody wants done with one region of one audio file."""

    source: str
    """Absolute path of the audio file."""
    engine: str = "auto"
    stems: tuple[str, ...] | None = None
    """Stems to write; None: all that the engine gives; empty: none."""
    midi: tuple[str, ...] | None = None
    """Stems to turn into notes; None: those that are written, or all where none are; `("all",)`: all that the engine
    gives; empty: none."""
    start_seconds: float = 0.0
    """Start of the region in the file."""
    end_seconds: float | None = None
    """End of the region in the file; None: the file's end."""
    tempo_bpm: float | None = None
    beat: float | None = None
    """Where the clip starts on the song's time line, in quarter notes."""
    project: str | None = None
    """The DAW project's file or folder; None: found by walking up from the source."""
    out: str | None = None
    """Folder for the results; None: beside the project or the clip."""
    name: str | None = None
    """What the results are called; None: the source file's name."""
    format: str = "wav"
    depth: str = "source"
    device: str = "auto"
    play: bool = False
    """Stream the notes to the MIDI ports as soon as the job is done."""
    sync: str = "now"
    transcribe_as: str | None = None
    """None: separate, then transcribe. Else no separation: the file itself is taken for that stem, or for a `mix`."""


class Warning(Value, frozen=True, kw_only=True):
    """Something the user should know that did not stop the job."""

    code: str
    message: str


class Result(Value, frozen=True, kw_only=True):
    """One finished file."""

    kind: Kind
    name: str
    """The stem it belongs to."""
    path: str
    seconds: float
    sample_rate_hz: int = 0
    """0 for MIDI files."""
    frames: int = 0
    channels: int = 0
    subtype: str = ""
    """libsndfile's name of the sample format, as `PCM_24`; empty for MIDI files."""
    notes: int = 0


class Failure(Value, frozen=True, kw_only=True):
    """Why a job ended badly, as the user is told."""

    code: str
    message: str


class Job(Value, frozen=True, kw_only=True):
    """The present state of one job: the fold of its events (see `lifecycle`)."""

    id: str
    name: str
    request: JobRequest
    submitted_unix: float
    state: State = "queued"
    stage: Stage = "queued"
    fraction: float = 0.0
    """Share of the whole job that is done, 0–1; never falls."""
    eta_seconds: float | None = None
    engine: str = ""
    """The engine that does the work, once `auto` has been resolved."""
    device: str = ""
    output_dir: str = ""
    results: tuple[Result, ...] = ()
    warnings: tuple[Warning, ...] = ()
    failure: Failure | None = None
    ended_unix: float | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


class ModelInfo(Value, frozen=True, kw_only=True):
    """One separation engine or model, as `sab models` lists it."""

    name: str
    stems: tuple[str, ...]
    present: bool
    """True where it can start without a download."""
    note: str
    """What it is good for, the terms of its weights, or what is wrong with it."""
    size_bytes: int | None = None
    """Of its files on this machine; where there are none, about what fetching it takes, or None."""
    speed: float | None = None
    """Seconds of audio per second that it last did here; None where nobody has measured it."""


class Port(Value, frozen=True, kw_only=True):
    """One MIDI port that the bridge keeps open."""

    stem: str
    name: str
    channel: int | None = None
    """1–16, where all stems share one port; None: notes are on the channels that their file says."""


class Lateness(Value, frozen=True, kw_only=True):
    """How much after their time the messages of a playback were handed to the port, in milliseconds."""

    messages: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def words(self) -> str:
        """`0.1 ms, 99 % by up to 0.6, the worst by 1.2`; what comes after "late by"."""
        return f"{self.p50_ms:.1f} ms, 99 % by up to {self.p99_ms:.1f}, the worst by {self.worst_ms:.1f}"


class MidiStatus(Value, frozen=True, kw_only=True):
    """What the MIDI player has to play on."""

    backend: str = "none"
    """`jack`, `jack-exact`, `alsa`, `coremidi`, `winmm`, or `none`."""
    ports: tuple[Port, ...] = ()
    sync_port: str = ""
    """The port that hears a DAW's MIDI clock; empty where there is none."""
    message: str = ""
    """Why there is no back-end, in words; empty where there is one."""


class Status(Value, frozen=True, kw_only=True):
    """What `/sab/status` and the terminal's header show."""

    queued: int
    running: int
    engine: str
    device: str
    midi: MidiStatus
    worker: str
    """`starting`, `ready`, `busy` or `down`."""
