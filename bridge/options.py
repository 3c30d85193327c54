"""The options of a job, once: the same words as keys of OSC messages and as options of the command line.

Every value may come typed (a float from OSC) or as text (from a shell, or from a Max patch that sends symbols).
Nothing here looks at the disk: whether a file exists is the bridge's question.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bridge.errors import BadArguments
from bridge.model import STEMS, JobRequest

FORMATS = ("wav", "aiff", "flac", "mp3", "ogg")
DEPTHS = ("source", "16", "24", "32f")
DEVICES = ("auto", "cpu", "cuda", "mps")
SYNCS = ("now", "clock", "jack", "link")
#: The options that are paths.
PATHS = frozenset({"project", "out"})
#: What `midi all` becomes: every stem that the engine gives, also those that are not written.
EVERY_STEM = ("all",)
TEMPO_RANGE_BPM = (20.0, 400.0)

Reader = Callable[[str, object], object]


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
        chosen[name] = absolute_path(name, chosen[name], base) if chosen[name] != "" else ""
    fields = {OPTIONS[name].field: OPTIONS[name].read(name, value) for name, value in chosen.items()}
    if "engine" in fields:
        fields["engine"] = _one_of(("auto", *(name for name in engines if name != "auto")))("engine", fields["engine"])
    request = JobRequest(source=absolute_path("path", source, base), **fields)  # type: ignore[arg-type]
    if request.end_seconds is not None and request.end_seconds <= request.start_seconds:
        raise BadArguments(f"end ({request.end_seconds:g} s) must lie after start ({request.start_seconds:g} s).")
    if request.stems == () and request.midi == ():
        raise BadArguments("With stems none and midi none there is nothing to do.")
    return request


def absolute_path(name: str, value: object, base: Path | None = None) -> str:
    """A path as a DAW, a browser or a person writes it, made absolute.

    Taken are plain paths, `~`, `file://` addresses, and Max's `Macintosh HD:/Users/…`; another volume than the one
    that Macs start from is found under `/Volumes`. `base` is what a relative path starts from; None: it is refused,
    because nobody knows what a message from elsewhere means by it.

    Raises:
        BadArguments: it is empty, a web address, or holds a NUL.
    """
    written = text(name, value)
    if not written.strip() or "\0" in written:
        raise BadArguments(f"{name} must be a file or folder, not {written!r}.")
    if any("\ud800" <= sign <= "\udfff" for sign in written):
        raise BadArguments(f"{name} is not a name in UTF-8: {written!r}.", advice="Rename the file or folder first.")
    if written.lower().startswith("file:"):
        written = _path_of_file_url(written)
    elif "://" in written[:10]:
        raise BadArguments(f"{name} must be a file on this computer, not the address {written!r}.")
    elif volume := re.match(r"([^/\\:]{2,}):(/.*)", written, re.DOTALL):
        written = volume[2] if volume[1] == "Macintosh HD" else f"/Volumes/{volume[1]}{volume[2]}"
    try:
        path = Path(written).expanduser()
        if base is None and not path.is_absolute():
            raise BadArguments(f"{name} must be a whole path, from the root on, not {written!r}.")
        # Without `..`, which leads the search for a project astray; but links stay: a clip may be linked into one.
        return os.path.normpath((base or path) / path)
    except RuntimeError as error:  # `~nobody`
        raise BadArguments(f"{name} names the home folder of an unknown user: {written!r}.") from error


def listed(names: Sequence[str] | Mapping[str, object]) -> str:
    """`a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _given(options: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in options.items() if value is not None}


def _path_of_file_url(url: str) -> str:
    try:
        parts = urlsplit(url, allow_fragments=False)
    except ValueError as error:
        raise BadArguments(f"This is not a file address: {url!r}.") from error
    path = unquote(parts.path + (f"?{parts.query}" if parts.query else ""))
    if "\0" in path or not path.strip("/"):
        raise BadArguments(f"This address names no file: {url!r}.")
    if parts.netloc not in ("", "localhost"):
        return f"//{parts.netloc}{path}"  # a share, as Windows writes it
    return path[1:] if re.match(r"/[A-Za-z]:[/\\]", path) else path


def text(name: str, value: object) -> str:
    """A value that is meant as text.

    Max sends the symbol `16` as a number, so numbers are text as well.

    Raises:
        BadArguments: it is neither text nor a number.
    """
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:g}"
    if isinstance(value, (str, int)):
        return str(value)
    raise BadArguments(f"{name} must be text.")


def _number(lowest: float = -math.inf, highest: float = math.inf) -> Reader:
    def read(name: str, value: object) -> float:
        try:
            if isinstance(value, bool) or not isinstance(value, (int, float, str)):
                raise TypeError
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadArguments(f"{name} must be a number, not {value!r}.") from None
        if not math.isfinite(number):
            raise BadArguments(f"{name} must be a finite number.")
        if number < lowest:
            raise BadArguments(f"{name} must be at least {lowest:g}, not {number:g}.")
        if number > highest:
            raise BadArguments(f"{name} must be at most {highest:g}, not {number:g}.")
        return number

    return read


def _one_of(names: Sequence[str]) -> Reader:
    def read(name: str, value: object) -> str:
        written = text(name, value).strip()
        for known in names:
            if known.casefold() == written.casefold():
                return known
        if len(names) == 1:
            raise BadArguments(f"{name} can only be {names[0]}, not {written!r}.")
        raise BadArguments(f"{name} must be one of {', '.join(names)}, not {written!r}.")

    return read


def _truth(name: str, value: object) -> bool:
    written = text(name, value).strip().lower()
    if written in ("1", "true", "on", "yes"):
        return True
    if written in ("0", "false", "off", "no"):
        return False
    raise BadArguments(f"{name} must be 1 or 0, not {written!r}.")


def _stems(name: str, value: object) -> tuple[str, ...] | None:
    """None: all; otherwise the stems that are named, each once, in the order of `STEMS`."""
    if isinstance(value, (tuple, list)):
        words = [text(name, word).lower() for word in value]
    else:
        words = text(name, value).lower().replace(",", " ").split()
        if words == ["all"]:
            return None
        if words == ["none"]:
            return ()
        if not words:
            raise BadArguments(f"{name} is empty: say all, none, or some of {', '.join(STEMS)}.")
    for word in words:
        if word not in STEMS:
            raise BadArguments(f"{name} must be all, none, or some of {', '.join(STEMS)}; there is no stem {word!r}.")
    return tuple(stem for stem in STEMS if stem in words)


def _midi(name: str, value: object) -> tuple[str, ...] | None:
    """As `_stems`; None: those of the stems that are written, which is the default."""
    if value == "stems":
        return None
    return EVERY_STEM if (chosen := _stems(name, value)) is None else chosen


def _folder(name: str, value: object) -> str | None:
    """An empty text is what a Max patch sends for a field that nobody filled in."""
    return None if value == "" else absolute_path(name, value)


def _file_name(name: str, value: object) -> str:
    signs = (sign for sign in text(name, value) if unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp"))
    written = "".join(signs).strip()
    if not written or written in (".", ".."):
        raise BadArguments(f"{name} must not be empty.")
    if "/" in written or "\\" in written:
        raise BadArguments(f"{name} is a name, not a path: {written!r}; the folder goes into out.")
    return written


def _any_text(name: str, value: object) -> str:
    return text(name, value).strip()


_STEM_CHOICE = f"all, none, or some of {', '.join(STEMS)}"

OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("engine", "engine", "a name from `sab models`, or auto", "What takes the clip apart.", _any_text),
        Option("stems", "stems", _STEM_CHOICE, "The stems to write as audio files.", _stems),
        Option("midi", "midi", _STEM_CHOICE, "The stems to turn into notes; left out: those that are written.", _midi),
        Option("start", "start_seconds", "seconds, from 0", "Where the part you want starts in the file.", _number(0)),
        Option("end", "end_seconds", "seconds, after start", "Where it ends; left out: at the file's end.", _number(0)),
        Option("tempo", "tempo_bpm", "20–400 BPM", "The song's tempo, for the MIDI files.", _number(*TEMPO_RANGE_BPM)),
        Option("beat", "beat", "quarter notes", "Where the clip starts on the song's time line.", _number()),
        Option("project", "project", "a path", "Your DAW project; left out: looked for around the clip.", _folder),
        Option(
            "out", "out", "a folder", "Where the results go; left out: into the project, or beside the clip.", _folder
        ),
        Option(
            "name", "name", "text without / or \\", "What the results are called; left out: like the clip.", _file_name
        ),
        Option("format", "format", ", ".join(FORMATS), "The kind of audio file.", _one_of(FORMATS)),
        Option("depth", "depth", ", ".join(DEPTHS), "Bits of a sample; source: as in the clip.", _one_of(DEPTHS)),
        Option("device", "device", ", ".join(DEVICES), "What computes: processor or graphics card.", _one_of(DEVICES)),
        Option("play", "play", "1 or 0", "Play the notes into the MIDI ports when they are ready.", _truth),
        Option(
            "sync", "sync", ", ".join(SYNCS),
            "When the notes play: at once, or with a DAW that sends MIDI clock, JACK transport or Ableton Link.",
            _one_of(SYNCS),
        ),
    )
}
"""Every option, by its name, in the order in which people read them."""
