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
Kind = Literal["stem", "midi", "notes", "picture"]
Bends = Literal["none", "single", "mpe"]
TempoSource = Literal["given", "estimated", "default"]
OffScale = Literal["snap", "drop"]
Voices = Literal["auto", "one", "many"]
#: Beats of a bar, and what note a beat is: (6, 8).
Metre = tuple[int, int]
#: The name of a file that holds the notes of all stems together.
TOGETHER = "all"
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
    shortest_seconds: float | None = None
    """Shorter notes are left out; None: what suits the stem. So for the following four."""
    lowest: int | None = None
    """MIDI number of the lowest pitch taken."""
    highest: int | None = None
    sensitivity: float | None = None
    """0–1: how little it takes to be a note."""
    voices: Voices = "auto"
    """`one`: one line, never two notes at once."""
    quantise: str = ""
    """The grid that onsets are drawn to, as `1/16`; empty: none."""
    quantise_strength: float = 1.0
    """How far they are drawn: 0 not at all, 1 onto the grid."""
    quantise_ends: bool = False
    """The notes' ends are drawn too."""
    quantise_swing: bool = True
    """Off-beats go to where they are played, not to the even grid."""
    scale: str = ""
    """Pitches are drawn into this scale, as `Bb major`; `auto`: the key that was found; empty: they stay."""
    off_scale: OffScale = "snap"
    """What notes outside the scale do: move to its nearest tone, or go."""
    time_signature: Metre = (4, 4)
    bends: Bends = "single"
    """How bends are written: not at all; on one channel, where a note sounds alone; as MPE, every note's own."""
    note_lists: tuple[str, ...] = ()
    """The notes as text too: `csv`, `json`."""
    picture: str | None = None
    """Where a picture of the notes goes: a path; empty: among the results; None: nowhere."""


#: What each warning of a job says, by its code; a code never changes its meaning.
WARNINGS: dict[str, str] = {
    "weights_unavailable": "`auto` could not have `htdemucs` and used `draft`.",
    "tempo_assumed": "No steady tempo was heard, so the notes are written at 120 BPM. The key `tempo` says it.",
    "no_notes": "No note was found in any stem, or in one that the key `midi` names.",
    "would_clip": "A stem would clip in whole numbers, so all stems of the job are 32-bit float WAV files.",
    "bad_samples": "The clip held samples that are no numbers; they are silent now.",
    "out_of_memory": "The graphics processor's memory was full; the processor did the rest.",
    "backend_differs": "OpenVINO computed something else than torch on this machine, so torch does the work.",
    "pickled_weights": "A model of your own is a `.th` file that can run code; a `.safetensors` file cannot.",
}


class Warning(Value, frozen=True, kw_only=True):
    """Something the user should know that did not stop the job."""

    code: str
    """One of `WARNINGS`."""
    message: str


class Result(Value, frozen=True, kw_only=True):
    """One finished file."""

    kind: Kind
    name: str
    """The stem it belongs to; `all` where it holds all of them."""
    path: str
    seconds: float
    sample_rate_hz: int = 0
    """0 for all but stems, as are frames and channels."""
    frames: int = 0
    channels: int = 0
    subtype: str = ""
    """libsndfile's name of the sample format, as `PCM_24`; empty for what is no audio."""
    notes: int = 0

    @property
    def is_part(self) -> bool:
        """Whether it holds the notes of one stem, for a MIDI port to play."""
        return self.kind == "midi" and self.name != TOGETHER


class Music(Value, frozen=True, kw_only=True):
    """What is known of the music: the time line that notes are written on, and their key."""

    tempo_bpm: float
    tempo_source: TempoSource
    """Somebody said it, it was heard, or nobody knows it and it is MIDI's own default."""
    tempo_confidence: float = 0.0
    """0–1: how sure the estimate is, also of one that was not taken."""
    first_beat_seconds: float = 0.0
    """Where a beat lies."""
    time_signature: Metre = (4, 4)
    key: str = ""
    """As `Bb major`; empty where the notes do not say."""
    key_margin: float = 0.0
    """0–1: by how much that key fits better than the next; 0.1 is clear."""


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
    is_slower: bool = False
    """Whether the time left has risen: the work is slower than it was on this machine before."""
    engine: str = ""
    """The engine that does the work, once `auto` has been resolved."""
    device: str = ""
    output_dir: str = ""
    results: tuple[Result, ...] = ()
    music: Music | None = None
    """None until its notes are known."""
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
