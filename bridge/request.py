"""The request of a job, in groups.

A group holds what affects the same result: region, engine and stems affect the sound of the stems; `AudioFormat` their
files; `SongPosition` to `NoteFiles` the notes and their files. `OutputPlace`, `PlayRequest` and `GroupChoice` affect no
file's content.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from bridge.errors import BadArguments
from bridge.value import Value

Bends = Literal["none", "single", "mpe"]
OffScale = Literal["snap", "drop"]
Voices = Literal["auto", "one", "many"]
Reading = Literal["played", "clean"]
ChordFiles = Literal["none", "markers", "file"]
#: Units of a bar, and what note a unit is: (6, 8).
TimeSignature = tuple[int, int]
#: `all`: every stem that the engine gives; empty: none.
StemSet: TypeAlias = tuple[str, ...] | Literal["all"]

Probability = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
NoteLength = Annotated[float, msgspec.Meta(ge=0.01, le=2.0)]
MidiPitch = Annotated[int, msgspec.Meta(ge=0, le=127)]

#: Notes are played while they are computed.
LIVE: Final = "live"
#: What notes follow while they play: nothing, a DAW's MIDI clock, JACK transport, or Ableton Link.
SYNCS = NOW, CLOCK, JACK, LINK = ("now", "clock", "jack", "link")

#: Quarter notes of each grid's step; `t`: three in the time of two.
GRIDS: dict[str, float] = {
    "1/4": 1.0,
    "1/8": 1 / 2,
    "1/16": 1 / 4,
    "1/32": 1 / 8,
    "1/4t": 2 / 3,
    "1/8t": 1 / 3,
    "1/16t": 1 / 6,
    "1/32t": 1 / 12,
}
#: Semitones of each mode's tones above the tonic.
MODES: dict[str, tuple[int, ...]] = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 9, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "locrian": (0, 1, 3, 5, 6, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "chromatic": tuple(range(12)),
}


class Region(Value, frozen=True, kw_only=True):
    """The part of the file that the job works on."""

    start_seconds: float = 0.0
    end_seconds: float | None = None
    """None: the file's end."""


class EngineChoice(Value, frozen=True, kw_only=True):
    """The engine that separates the clip."""

    name: str = "auto"
    device: str = "auto"


class StemChoice(Value, frozen=True, kw_only=True):
    """The stems to write, and those to transcribe."""

    audio: StemSet = "all"
    """Stems and opposites to write as audio files; `all`: every single stem."""
    midi: StemSet | Literal["stems"] = "stems"
    """Stems to transcribe; `stems`: the single ones that are written, or all where nothing is."""
    kit: bool = False
    """Whether the drums are split too: into kick, snare, toms, hats and cymbals."""
    transcribe_as: str | None = None
    """None: separate, then transcribe. Else nothing is separated: the file itself is that stem, or a `mix`."""


class AudioFormat(Value, frozen=True, kw_only=True):
    """The file format of the stems."""

    name: str = "wav"
    depth: str = "source"
    """Bits of a sample; `source`: as in the clip."""


class SongPosition(Value, frozen=True, kw_only=True):
    """The clip's place in the song; written into MIDI files and time stamps."""

    tempo: float | Literal["map"] | None = None
    """Quarter notes per minute; None: estimated from the clip; `map`: its beats are followed."""
    beat: float | None = None
    """Where the clip starts on the song's timeline, in quarter notes."""
    time_signature: TimeSignature | None = None

    @property
    def tempo_bpm(self) -> float | None:
        """The given tempo; None: it is to be found in the clip."""
        return None if self.tempo == "map" else self.tempo

    @property
    def follows_beats(self) -> bool:
        return self.tempo == "map"


class NoteReading(Value, frozen=True, kw_only=True):
    """Settings for deriving notes from an analysis; None: the stem's profile."""

    shortest_seconds: float | None = None
    """Shorter notes are left out."""
    lowest: int | None = None
    """MIDI number of the lowest pitch taken."""
    highest: int | None = None
    sensitivity: float | None = None
    """0–1: how little evidence makes a note."""
    voices: Voices = "auto"
    """`one`: never two notes at once."""
    style: Reading = "played"
    """As it was played, or as a person would write it down: on a grid, without ghosts and bends."""


class Quantise(Value, frozen=True, kw_only=True):
    """How notes are moved onto a grid.

    Raises:
        BadArguments: there is no such grid, or the strength is not 0–1.
    """

    grid: str = "1/16"
    """One of `GRIDS`."""
    strength: float = 1.0
    """0–1: the share of its way to the grid that a note moves."""
    ends: bool = False
    """True: notes' ends move to the grid too; False: notes keep their lengths."""
    keep_swing: bool = True
    """True: off-beats move to where these notes play them; False: to the even grid."""

    def __post_init__(self) -> None:
        if self.grid not in GRIDS:
            raise BadArguments(f"There is no grid {self.grid!r}; there are {', '.join(GRIDS)}.")
        if not 0 <= self.strength <= 1:
            raise BadArguments(f"The strength of quantising is 0 to 1, not {self.strength:g}.")


class Scale(Value, frozen=True, kw_only=True):
    """A tonic and the tones above it."""

    tonic: int
    """Pitch class, 0 (C) to 11."""
    mode: str
    """One of `MODES`."""

    def contains(self, pitch: int) -> bool:
        """Whether a MIDI note number belongs to it."""
        return (pitch - self.tonic) % 12 in MODES[self.mode]


class ScaleFit(Value, frozen=True, kw_only=True):
    """How pitches are moved into a scale."""

    scale: Scale | Literal["auto"]
    """`auto`: the key that the notes are in."""
    outside: OffScale = "snap"
    """What notes outside the scale do: move to its nearest tone, or go."""


class NoteFiles(Value, frozen=True, kw_only=True):
    """The files with notes."""

    bends: Bends = "single"
    """Bends in MIDI files: none; on one channel, where a note sounds alone; as MPE, each note's own."""
    lists: tuple[str, ...] = ()
    """The notes as tables too: `csv`, `json`."""
    picture: str | None = None
    """Where a picture of the notes goes: a path; empty: among the results; None: nowhere."""
    chords: ChordFiles = "markers"
    """Chords: not told; as markers in the file of all stems; as a file of block chords too."""
    score: bool = False
    """Whether the clean reading is written as a score (MusicXML), whatever `NoteReading.style` is."""
    dawproject: bool = False
    """Whether the stems and their notes are written as a project for DAWs too."""


class OutputPlace(Value, frozen=True, kw_only=True):
    """The folder and name of the results."""

    project: str | None = None
    """The DAW project's file or folder; None: found by walking up from the source."""
    folder: str | None = None
    """None: beside the project or the clip."""
    name: str | None = None
    """None: the source file's name."""


class PlayRequest(Value, frozen=True, kw_only=True):
    """Playback of the notes into the MIDI ports."""

    when_done: bool | Literal["live"] = False
    """`live`: already while the clip is separated."""
    sync: str = NOW
    """What playback follows: nothing, or the DAW's `clock`, `jack` or `link`."""
    is_shown: bool = False
    """Whether a screen shows the job while it works: what is known of its stems and notes is told. Not kept."""

    @property
    def is_live(self) -> bool:
        return self.when_done == LIVE


class GroupChoice(Value, frozen=True, kw_only=True):
    """The group that the job joins."""

    name: str = ""
    """As its client calls it; empty: none."""
    clips: int = 0
    """How many clips its client will send for it; 0: unknown."""


class JobRequest(Value, frozen=True, kw_only=True):
    """A job on one region of one audio file."""

    source: str
    """Absolute path of the audio file."""
    region: Region = Region()
    engine: EngineChoice = EngineChoice()
    stems: StemChoice = StemChoice()
    audio: AudioFormat = AudioFormat()
    song: SongPosition = SongPosition()
    reading: NoteReading = NoteReading()
    quantise: Quantise | None = None
    """None: notes stay where they were played."""
    scale: ScaleFit | None = None
    """None: pitches stay as they are."""
    note_files: NoteFiles = NoteFiles()
    place: OutputPlace = OutputPlace()
    play: PlayRequest = PlayRequest()
    group: GroupChoice = GroupChoice()


class NoteSettings(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one stem is read, resolved from `NoteReading`; None leaves it to the stem's profile (`profile_for`)."""

    onset_threshold: Probability | None = None
    """How sure the network must be that a note begins; higher: fewer notes."""
    note_threshold: Probability | None = None
    """How sure it must be that a note sounds; higher: fewer and shorter notes."""
    shortest_seconds: NoteLength | None = None
    """Shorter notes are left out."""
    lowest_pitch: MidiPitch | None = None
    """MIDI number; notes below are left out. The network covers 21 (A0) to 108 (C8)."""
    highest_pitch: MidiPitch | None = None
    monophonic: bool | None = None
    """True: one line, never two notes at once; False: as many as sound."""
