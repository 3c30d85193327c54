"""The options of a job, once: the same words as keys of OSC messages and as options of the command line.

Every value may come typed (a float from OSC) or as text (from a shell, or from a Max patch that sends symbols).
Nothing here looks at the disk: whether a file exists is the bridge's question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from bridge.errors import BadArguments
from bridge.model import STEMS, JobRequest
from bridge.music.quantise import GRIDS
from bridge.options.readers import (
    EVERY_STEM,
    Reader,
    absolute_path,
    any_text,
    current_folder,
    file_name,
    folder,
    grid,
    listed,
    metre,
    midi,
    milliseconds,
    number,
    one_of,
    percent,
    picture,
    pitch,
    scale,
    some_of,
    stems,
    text,
    truth,
)

__all__ = [
    "EVERY_STEM", "OPTIONS", "Option", "absolute_path", "build_request", "current_folder", "from_base", "listed",
    "text",
]  # fmt: skip

FORMATS = ("wav", "aiff", "flac", "mp3", "ogg")
DEPTHS = ("source", "16", "24", "32f")
DEVICES = ("auto", "cpu", "cuda", "mps")
SYNCS = ("now", "clock", "jack", "link")
#: The options that are paths.
PATHS = frozenset({"project", "out", "picture"})
TEMPO_RANGE_BPM = (20.0, 400.0)

SHORTEST_RANGE_MS = (10.0, 2000.0)
VOICES = ("auto", "one", "many")
BENDS = ("none", "single", "mpe")
OFF_SCALE = ("snap", "drop")
NOTE_LISTS = ("csv", "json")

#: What an option is about: the job, or only how notes are read and written, which changes no stem.
About: TypeAlias = Literal["job", "notes"]
_NOTES: About = "notes"


@dataclass(frozen=True)
class Option:
    """One row of the table: what a person types, and the field of `JobRequest` that it sets."""

    name: str
    field: str
    values: str
    """What may stand there, as a person reads it."""
    help: str
    read: Reader
    """(option's name, raw value) → the field's value; raises BadArguments."""
    about: About = "job"


def build_request(
    source: str,
    options: Mapping[str, object],
    defaults: Mapping[str, object],
    engines: Sequence[str],
    base: Path | None = None,
) -> JobRequest:
    """The job that somebody asks for, checked and normalised.

    `options` and `defaults` have the names of `OPTIONS` as keys; None says that a value was not given. `engines`
    are the names that exist; `auto` always does. `base` is what relative paths start from; None: there are none.

    Raises:
        BadArguments: an option is unknown or its value is out of range, or nothing is left to do.
    """
    for name in {**defaults, **options}:
        if name not in OPTIONS:
            raise BadArguments(f"There is no option {name!r}; there are {listed(OPTIONS)}.")
    chosen = {**_given(defaults), **_given(options)}
    for name in PATHS & chosen.keys():
        chosen[name] = from_base(name, chosen[name], base)
    fields = {OPTIONS[name].field: OPTIONS[name].read(name, value) for name, value in chosen.items()}
    if "engine" in fields:
        fields["engine"] = one_of(("auto", *(name for name in engines if name != "auto")))("engine", fields["engine"])
    request = JobRequest(source=absolute_path("path", source, base), **fields)  # type: ignore[arg-type]
    if request.end_seconds is not None and request.end_seconds <= request.start_seconds:
        raise BadArguments(f"end ({request.end_seconds:g} s) must lie after start ({request.start_seconds:g} s).")
    if request.lowest is not None and request.highest is not None and request.lowest > request.highest:
        raise BadArguments(f"lowest (MIDI {request.lowest}) must not lie above highest (MIDI {request.highest}).")
    if request.stems == () and request.midi == ():
        raise BadArguments("With stems none and midi none there is nothing to do.")
    return request


def from_base(name: str, value: object, base: Path | None) -> object:
    """The path, absolute; what says that there is none, or leaves it to us, as it is."""
    if value == "" or (name == "picture" and not text(name, value).lower().endswith(".svg")):
        return value
    return absolute_path(name, value, base)


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


_STEM_CHOICE = f"all, none, or some of {', '.join(STEMS)}"
_PITCH_CHOICE = "a note as D2, a MIDI number, or a frequency as 73.4Hz"

OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("engine", "engine", "a name from `sab models`, or auto", "What takes the clip apart.", any_text),
        Option("stems", "stems", _STEM_CHOICE, "The stems to write as audio files.", stems),
        Option("midi", "midi", _STEM_CHOICE, "The stems to turn into notes; left out: those that are written.", midi),
        Option("start", "start_seconds", "seconds, from 0", "Where the part you want starts in the file.", number(0)),
        Option("end", "end_seconds", "seconds, after start", "Where it ends; left out: at the file's end.", number(0)),
        Option(
            "tempo", "tempo_bpm", "20–400 BPM", "The song's tempo, for the MIDI files; left out: what can be heard.",
            number(*TEMPO_RANGE_BPM), _NOTES,
        ),
        Option("beat", "beat", "quarter notes", "Where the clip starts on the song's time line.", number(), _NOTES),
        Option("project", "project", "a path", "Your DAW project; left out: looked for around the clip.", folder),
        Option(
            "out", "out", "a folder", "Where the results go; left out: into the project, or beside the clip.", folder
        ),
        Option(
            "name", "name", "text without / or \\", "What the results are called; left out: like the clip.", file_name
        ),
        Option("format", "format", ", ".join(FORMATS), "The kind of audio file.", one_of(FORMATS)),
        Option("depth", "depth", ", ".join(DEPTHS), "Bits of a sample; source: as in the clip.", one_of(DEPTHS)),
        Option("device", "device", ", ".join(DEVICES), "What computes: processor or graphics card.", one_of(DEVICES)),
        Option("play", "play", "1 or 0", "Play the notes into the MIDI ports when they are ready.", truth),
        Option(
            "sync", "sync", ", ".join(SYNCS),
            "When the notes play: at once, or with a DAW that sends MIDI clock, JACK transport or Ableton Link.",
            one_of(SYNCS),
        ),
        Option(
            "shortest", "shortest_seconds", "10–2000 ms", "Leave out shorter notes.",
            milliseconds(*SHORTEST_RANGE_MS), _NOTES,
        ),
        Option("lowest", "lowest", _PITCH_CHOICE, "Leave out deeper notes.", pitch, _NOTES),
        Option("highest", "highest", _PITCH_CHOICE, "Leave out higher notes.", pitch, _NOTES),
        Option(
            "sensitivity", "sensitivity", "0–100 %", "How little it takes to be a note; 50 is what suits most.",
            percent, _NOTES,
        ),
        Option(
            "voices", "voices", ", ".join(VOICES), "One note at a time, or several; auto: as suits the stem.",
            one_of(VOICES), _NOTES,
        ),
        Option(
            "quantise", "quantise", ", ".join(("none", *GRIDS)), "Move the notes onto a grid; t: triplets.",
            grid, _NOTES,
        ),
        Option(
            "quantise-strength", "quantise_strength", "0–100 %", "How far they move; 100: onto the grid.",
            percent, _NOTES,
        ),
        Option("quantise-ends", "quantise_ends", "1 or 0", "Move the notes' ends onto the grid too.", truth, _NOTES),
        Option("quantise-swing", "quantise_swing", "1 or 0", "Keep the swing that is played.", truth, _NOTES),
        Option(
            "scale", "scale", "as Bb major or E dorian; auto, none",
            "Move the notes into a scale; auto: the key that is heard.", scale, _NOTES,
        ),
        Option(
            "off-scale", "off_scale", ", ".join(OFF_SCALE), "What notes outside the scale do: move to it, or go.",
            one_of(OFF_SCALE), _NOTES,
        ),
        Option("time-signature", "time_signature", "as 4/4 or 6/8", "The song's metre.", metre, _NOTES),
        Option(
            "bends", "bends", ", ".join(BENDS),
            "How MIDI files bend: not; where a note sounds alone; each note by itself, as MPE.", one_of(BENDS), _NOTES,
        ),
        Option(
            "notes", "note_lists", "none, csv, json", "Write the notes as a table too.", some_of(NOTE_LISTS), _NOTES
        ),
        Option(
            "picture", "picture", "1, 0, or a path that ends in .svg", "Draw the notes.", picture, _NOTES
        ),
    )
}  # fmt: skip
"""Every option, by its name, in the order in which people read them."""
