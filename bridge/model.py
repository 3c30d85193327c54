"""The values of the domain: frozen, without input or output.

Times are in seconds from the start of the clip's region, unless a name says otherwise.
"""

from __future__ import annotations

import os
from typing import Literal

from msgspec.structs import replace

from bridge.request import JobRequest, TimeSignature
from bridge.value import Value

#: The origin of a job that a terminal's screen has asked for.
SCREEN = "screen"

STAGES: tuple[str, ...] = ("queued", "loading", "separating", "transcribing", "writing")

Stage = Literal["queued", "loading", "separating", "transcribing", "writing"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
Outcome = Literal["done", "failed", "cancelled"]
Kind = Literal["stem", "midi", "notes", "picture", "chords", "score", "dawproject"]
TempoSource = Literal["given", "estimated", "default"]
#: The name of a result with the notes of all stems.
TOGETHER = "all"
#: Where jobs are computed: on this machine, or on the machines of a farm.
Computing = Literal["here", "farm"]
PlayOutcome = Literal["finished", "stopped", "failed"]


class Bend(Value, frozen=True, kw_only=True):
    """A note's deviation from its written pitch, from one time on."""

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
    """0–1: the transcriber's confidence that the note exists."""
    bends: tuple[Bend, ...] = ()
    """In order of time, within the note; empty if the pitch is constant."""


#: The meaning of each warning code; codes are stable.
WARNINGS: dict[str, str] = {
    "weights_unavailable": "The weights of `htdemucs` are not on this machine, so `auto` used `good`, or `draft`.",
    "piano_unavailable": "The extra `piano` is installed but does not work, so basic-pitch read the piano.",
    "tempo_assumed": "No steady tempo was found, so the notes are written at 120 BPM. The option `tempo` sets it.",
    "tempo_octave": "The beat is clear, but the tempo may be twice or half as fast. The option `tempo` sets it.",
    "no_beat": "There is no clear beat to follow, so the notes are written at one tempo. The option `tempo` sets it.",
    "no_notes": "No note was found in any stem, or in a stem that the option `midi` names.",
    "notes_not_read": "A score, chords, a picture or a table is asked for, and the option `midi` names no stem.",
    "no_chords": "The option `chords` asks for a file of them, and none was found: a lone line has none.",
    "no_kit": "The option `kit` asks to split the drums, and there are none: no drum stem, or no hit in it.",
    "would_clip": "A stem is too loud for the format, so all stems of the job are 32-bit float WAV files.",
    "bad_samples": "The clip contained samples that are no audio (NaN, or far too loud); they are silent now.",
    "damaged_audio": "Parts of the clip could not be decoded. They are silent, and what follows stays in its place.",
    "cut_off": "The clip ends earlier than its header says, or in the middle of a packet. The stems end there too.",
    "late_sound": "The sound begins later than the file, as its container says. The stems begin with that silence.",
    "mixed_formats": "Recordings of other rates or channels stand in a row; they were converted to those of the first.",
    "out_of_memory": "The GPU's memory was full, so the CPU did the rest.",
    "backend_differs": "OpenVINO's results differ from torch's on this machine, so torch is used.",
    "not_kept": "The history could not be written, so the job would be lost if the bridge ended now.",
    "farm_gone": "The farm has gone, or gave the job up: the job was begun again on this machine.",
    "pickled_weights": "One of your own models is a `.th` file that can run code; you have set `trust_pickles`.",
}


class Warning(Value, frozen=True, kw_only=True):
    """A problem that did not stop the job."""

    code: str
    """One of `WARNINGS`."""
    message: str


class Result(Value, frozen=True, kw_only=True):
    """One complete output file."""

    kind: Kind
    name: str
    """Its stem; `all` if it holds all stems."""
    folder: str = ""
    """The folder it lies in; empty in lists that lie in that folder themselves, such as the manifest."""
    file: str
    """Its file name."""
    seconds: float
    sample_rate_hz: int = 0
    """0 except for stems; likewise `frames` and `channels`."""
    frames: int = 0
    channels: int = 0
    subtype: str = ""
    """libsndfile's name of the sample format, as `PCM_24`; empty if the file is not audio."""
    notes: int = 0

    @property
    def path(self) -> str:
        return os.path.join(self.folder, self.file)  # noqa: PTH118 - a PurePath would change the text of some paths

    @property
    def is_part(self) -> bool:
        """Whether it is the MIDI file of one stem, which a MIDI port can play."""
        return self.kind == "midi" and self.name != TOGETHER


class TempoCandidate(Value, frozen=True, kw_only=True):
    """A tempo and metre that an estimate has weighed."""

    bpm: float
    """Quarter notes per minute."""
    time_signature: TimeSignature
    share: float
    """0–1: its probability among all candidates."""


class TempoPoint(Value, frozen=True, kw_only=True):
    """A beat of a clip whose tempo changes."""

    seconds: float
    quarters: float
    """Its position on the grid, in quarter notes from the clip's start."""
    bpm: float
    """Quarter notes per minute from here to the next point."""


class Chord(Value, frozen=True, kw_only=True):
    """A chord of the clip."""

    start_seconds: float
    end_seconds: float
    name: str
    """As `Bbm7`: the root, then one of `music.chords.QUALITIES`."""


class Music(Value, frozen=True, kw_only=True):
    """Tempo, beat and metre of the timeline that notes are written on, and their key."""

    tempo_bpm: float
    tempo_source: TempoSource
    """`given` by the user, `estimated` from the audio, or MIDI's `default` of 120 BPM."""
    tempo_confidence: float = 0.0
    """0–1: confidence of the estimate, even if it was not used."""
    first_beat_seconds: float = 0.0
    """Time of a beat; of a bar's first beat where bars are known."""
    time_signature: TimeSignature = (4, 4)
    tempo_candidates: tuple[TempoCandidate, ...] = ()
    """What an estimate has weighed, most probable first."""
    tempo_map: tuple[TempoPoint, ...] = ()
    """Where the beats are, from the clip's start, if they were followed; `tempo_bpm` is then their mean tempo."""
    key: str = ""
    """As `Bb major`; empty if unknown."""
    key_margin: float = 0.0
    """0–1: how much better this key fits than the next best; 0.1 is clear."""
    chords: str = ""
    """The first chords in a line, as `C Am F G`, once if they come again; empty if none were told. All of them, with
    their times, are in the manifest: a history of many jobs would grow too large with them."""


class Failure(Value, frozen=True, kw_only=True):
    """Why a job failed, in words for the user."""

    code: str
    message: str


class Job(Value, frozen=True, kw_only=True):
    """The current state of one job: the fold of its events (see `lifecycle`)."""

    id: str
    name: str
    request: JobRequest
    submitted_unix: float
    group_id: str = ""
    """The group that it belongs to; unlike the group's name it is never used twice. Empty: none."""
    position: int = 0
    """Its place in the group, from 1; 0 without a group."""
    state: State = "queued"
    stage: Stage = "queued"
    fraction: float = 0.0
    """Share of the whole job that is done, 0–1; never falls, unless the job is requeued."""
    eta_seconds: float | None = None
    is_slower: bool = False
    """Whether the remaining time has risen: the work is slower than before on this machine."""
    engine: str = ""
    """The requested engine; once `auto` is resolved, the engine that does the work."""
    device: str = ""
    output_dir: str = ""
    results: tuple[Result, ...] = ()
    music: Music | None = None
    """None until the notes are known."""
    warnings: tuple[Warning, ...] = ()
    failure: Failure | None = None
    ended_unix: float | None = None
    is_cancelling: bool = False
    """Whether it is to be cancelled, and ends soon."""
    interruptions: int = 0
    """How often the bridge or its worker has died in it."""
    origin: str = ""
    """Who asked for it, in words: `screen`, or an OSC client's name; empty: unknown."""
    is_removed: bool = False
    """Whether it was taken off the list, on which it stands no more."""

    @property
    def took_seconds(self) -> float:
        """From its submission to its end, 0 before that; never negative, also if the clock was set back meanwhile."""
        return max(0.0, (self.ended_unix or 0.0) - self.submitted_unix)

    @property
    def is_over(self) -> bool:
        return self.state in ("done", "failed", "cancelled")

    @property
    def request_to_run(self) -> JobRequest:
        """For the worker. Stems and notes of a screen's job are told as they come, also after a restart."""
        is_shown = self.request.play.is_shown or self.origin == SCREEN
        return replace(self.request, play=replace(self.request.play, is_shown=is_shown))


class ModelInfo(Value, frozen=True, kw_only=True):
    """One separation engine or model, as `sab models` lists it."""

    name: str
    stems: tuple[str, ...]
    present: bool
    """True if it can start without a download."""
    note: str
    """Its purpose, the licence of its weights, or what is wrong with it."""
    size_bytes: int | None = None
    """Size of its files on this machine; if there are none, the approximate download size, or None."""
    speed: float | None = None
    """Seconds of audio per second, as last measured on this machine; None: not measured."""
    licence: str = ""
    """The terms of its weights in a word or two; empty: it has none, or nobody knows them."""

    @property
    def size_text(self) -> str:
        """`84 MB`; empty where the size is not known."""
        return "" if self.size_bytes is None else f"{self.size_bytes / 1e6:.0f} MB"


class Port(Value, frozen=True, kw_only=True):
    """One open MIDI port of the bridge."""

    stem: str
    name: str
    channel: int | None = None
    """1–16 if all stems share one port; None: notes are on the channels in their file."""


class Lateness(Value, frozen=True, kw_only=True):
    """Delay between the deadlines of a playback's messages and their delivery to the port, in milliseconds."""

    messages: int
    p50_ms: float
    p99_ms: float
    worst_ms: float

    @property
    def words(self) -> str:
        """`0.1 ms, 99 % by up to 0.6, the worst by 1.2`; follows the words "late by"."""
        return f"{self.p50_ms:.1f} ms, 99 % by up to {self.p99_ms:.1f}, the worst by {self.worst_ms:.1f}"


class MidiStatus(Value, frozen=True, kw_only=True):
    """Back-end and ports of the MIDI player."""

    backend: str = "none"
    """`jack`, `jack-exact`, `alsa`, `coremidi`, `winmm`, or `none`."""
    ports: tuple[Port, ...] = ()
    sync_port: str = ""
    """The port that receives a DAW's MIDI clock; empty if there is none."""
    message: str = ""
    """Why there is no back-end, in words for the user; empty if there is one."""


class Status(Value, frozen=True, kw_only=True):
    """What `/sab/status` and the terminal's header show."""

    queued: int
    running: int
    engine: str
    device: str
    midi: MidiStatus
    worker: str
    """`starting`, `ready`, `busy` or `down`."""
    computing: Computing = "here"
    """Where the next job will be computed."""
