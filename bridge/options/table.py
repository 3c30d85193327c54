"""The options of a job, once: the keys of OSC messages are the options of the command line.

A row holds everything about its option: readers, help texts, pages, OSCQuery and the command line derive from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from bridge.options.kinds import Kind, Names, Number, OptionalChoice, Switch, WholeNumber, between, choice_of
from bridge.options.special_kinds import (
    NOTE_STEMS,
    FileName,
    Folder,
    GroupName,
    MetreKind,
    PictureKind,
    Pitch,
    PlayTime,
    ScaleKind,
    Stems,
    TempoKind,
)
from bridge.request import GRIDS, SYNCS, Bends, ChordFiles, JobRequest, OffScale, Reading, Voices
from bridge.units import FASTEST_TEMPO_BPM, SLOWEST_TEMPO_BPM

TEMPO = TempoKind(
    f"{SLOWEST_TEMPO_BPM:g}–{FASTEST_TEMPO_BPM:g} BPM, or map", lowest=SLOWEST_TEMPO_BPM, highest=FASTEST_TEMPO_BPM
)
PERCENT = between(0, 100, "%", divisor=100)
DEVICE = choice_of("auto", "cpu", "cuda", "mps")
SYNC = choice_of(*SYNCS)
PITCH = Pitch()
NOTE_LISTS = ("csv", "json")
MOST_CLIPS = 100_000

Command: TypeAlias = Literal["process", "transcribe", "serve", "tui"]
JOB: tuple[Command, ...] = ("process", "transcribe")
SERVERS: tuple[Command, ...] = ("serve", "tui")


@dataclass(frozen=True)
class Option:
    """One row of the table."""

    name: str
    """The name that users type."""
    field: str
    """The field of `JobRequest` that it sets: `group.field`."""
    kind: Kind
    help: str
    record: str
    """Its key in histories and manifests."""
    commands: tuple[Command, ...] = JOB
    """The commands that take it. For the servers it is the default of requests that leave it out."""
    about_notes: bool = False
    """Whether it affects only notes, and no stem."""
    spellings: tuple[str, ...] = ()
    """Alternative spellings on the command line."""

    def value(self, request: JobRequest) -> object:
        """The field's value in a request; None where the request lacks the group."""
        group, _, field = self.field.partition(".")
        return getattr(getattr(request, group), field, None)

    @property
    def words(self) -> str:
        """The allowed values, for people."""
        return self.kind.words

    def read(self, value: object) -> object:
        """The field's value for a raw one. Raises BadArguments."""
        return self.kind.read(self.name, value)


def _notes(name: str, field: str, kind: Kind, words: str, record: str, *spellings: str) -> Option:
    return Option(name, field, kind, words, record, about_notes=True, spellings=spellings)


#: Every option, by its name, in the order of the pages and help texts.
OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option(
            "engine", "engine.name", Kind("a name from `sab models`, or auto"),
            "What separates the clip.", "engine", ("process", *SERVERS),
        ),
        Option(
            "stems", "stems.audio", Stems(),
            "The stems to write as audio files; instrumental, no_drums …: the mix without that stem.",
            "stems", ("process", *SERVERS),
        ),
        Option(
            "midi", "stems.midi", NOTE_STEMS,
            "The stems to turn into notes; left out: the single ones that are written.", "midi", ("process", "serve"),
        ),
        Option(
            "start", "region.start_seconds", Number("seconds, from 0", lowest=0.0),
            "Where the part you want starts in the file.", "start_seconds",
        ),
        Option(
            "end", "region.end_seconds", Number("seconds, after start", lowest=0.0),
            "Where it ends; left out: at the file's end.", "end_seconds",
        ),
        _notes(
            "tempo", "song.tempo", TEMPO,
            "The song's tempo, for the MIDI files; left out: estimated from the clip; map: its beats are followed.",
            "tempo_bpm",
        ),
        _notes(
            "beat", "song.beat", Number("quarter notes"), "Where the clip starts on the song's timeline.", "beat",
        ),
        Option(
            "project", "place.project", Folder("a path"),
            "Your DAW project; left out: looked for around the clip.", "project",
        ),
        Option(
            "out", "place.folder", Folder("a folder"),
            "Where the results go; left out: into the project, or beside the clip.", "out",
        ),
        Option(
            "name", "place.name", FileName("text without / or \\"),
            "What the results are called; left out: like the clip.", "name",
        ),
        Option(
            "format", "audio.name", choice_of("wav", "aiff", "flac", "mp3", "ogg", "m4a", "opus"),
            "The kind of audio file.", "format", ("process", "serve"),
        ),
        Option(
            "depth", "audio.depth", choice_of("source", "16", "24", "32f"),
            "Bits of a sample, where the format has them; source: as in the clip.", "depth", ("process", "serve"),
        ),
        Option(
            "device", "engine.device", DEVICE,
            "What computes: processor or graphics card.", "device", ("process", "serve"),
        ),
        Option(
            "play", "play.when_done", PlayTime(),
            "Play the notes into the MIDI ports: when they are ready, or live, while the clip is still separated.",
            "play", (),
        ),
        Option(
            "sync", "play.sync", SYNC,
            "When the notes play: at once, or with a DAW that sends MIDI clock, JACK transport or Ableton Link.",
            "sync", SERVERS,
        ),
        Option(
            "group", "group.name", GroupName(),
            "A name for several clips that belong together: they have one progress, one end, and one order.",
            "group", (),
        ),
        Option(
            "clips", "group.clips", WholeNumber(f"a number, up to {MOST_CLIPS}", highest=MOST_CLIPS),
            "How many clips you send for the group: it does not end before they have all arrived.", "group_clips", (),
        ),
        Option(
            "kit", "stems.kit", Switch(),
            "Split the drums too: into kick, snare, toms, hats and cymbals, which sum to them.", "kit",
        ),
        _notes(
            "shortest", "reading.shortest_seconds", between(10, 2000, "ms", divisor=1000),
            "Leave out shorter notes.", "shortest_seconds",
        ),
        _notes("lowest", "reading.lowest", PITCH, "Leave out deeper notes.", "lowest"),
        _notes("highest", "reading.highest", PITCH, "Leave out higher notes.", "highest"),
        _notes(
            "sensitivity", "reading.sensitivity", PERCENT,
            "How little evidence makes a note; 50 suits most music.", "sensitivity",
        ),
        _notes(
            "voices", "reading.voices", choice_of(*get_args(Voices)),
            "One note at a time, or several; auto: as suits the stem.", "voices",
        ),
        _notes(
            "reading", "reading.style", choice_of(*get_args(Reading)),
            "As it was played; or clean: as one would write it down, on the grid, without ghosts and bends.", "reading",
        ),
        _notes(
            "quantise", "quantise.grid", OptionalChoice(", ".join(("none", *GRIDS)), ("none", *GRIDS)),
            "Move the notes onto a grid; t: triplets.", "quantise", "--quantize",
        ),
        _notes(
            "quantise-strength", "quantise.strength", PERCENT,
            "How far they move; 100: onto the grid.", "quantise_strength",
        ),
        _notes("quantise-ends", "quantise.ends", Switch(), "Move the notes' ends onto the grid too.", "quantise_ends"),
        _notes("quantise-swing", "quantise.keep_swing", Switch(), "Keep the swing that is played.", "quantise_swing"),
        _notes(
            "scale", "scale.scale", ScaleKind(), "Move the notes into a scale; auto: the key that they are in.",
            "scale",
        ),
        _notes(
            "off-scale", "scale.outside", choice_of(*get_args(OffScale)),
            "What notes outside the scale do: move to it, or go.", "off_scale",
        ),
        _notes(
            "time-signature", "song.time_signature", MetreKind(), "The song's metre; auto: estimated with the tempo.",
            "time_signature",
        ),
        _notes(
            "bends", "note_files.bends", choice_of(*get_args(Bends)),
            "How MIDI files bend: not; where a note sounds alone; each note by itself, as MPE.", "bends",
        ),
        _notes(
            "notes", "note_files.lists", Names("none, csv, json", NOTE_LISTS),
            "Write the notes as a table too.", "note_lists",
        ),
        _notes("picture", "note_files.picture", PictureKind(), "Draw the notes.", "picture"),
        _notes(
            "chords", "note_files.chords", choice_of(*get_args(ChordFiles)),
            "Name the chords: not; as markers in the file of all stems; or in a file of block chords too.", "chords",
        ),
        _notes("score", "note_files.score", Switch(), "Write a score of the clean notes, as MusicXML.", "score"),
        _notes(
            "dawproject", "note_files.dawproject", Switch(),
            "Write a DAWproject too: the stems and their notes on tracks, for Bitwig, Studio One and Cubase.",
            "dawproject",
        ),
    )
}  # fmt: skip
