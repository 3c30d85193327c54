"""How the value of an option is read: typed, as OSC sends it, or as text, from a shell or from a Max patch.

Each reader takes the option's name, for its complaints, and the raw value. Nothing here looks at the disk, except to
see whether a path is there just as a person wrote it.
"""

from __future__ import annotations

import math
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from bridge.errors import BadArguments
from bridge.model import STEMS, Metre
from bridge.music.quantise import GRIDS
from bridge.music.scale import ACCIDENTALS, LETTERS, parse_scale

#: (option's name, raw value) → what it means; raises BadArguments.
Reader: TypeAlias = "Callable[[str, object], object]"

#: What `midi all` becomes: every stem that the engine gives, also those that are not written.
EVERY_STEM = ("all",)
LONGEST_BAR = 32


def absolute_path(name: str, value: object, base: Path | None = None) -> str:
    """A path as a DAW, a browser or a person writes it, made absolute.

    Taken are plain paths, `~`, `file://` addresses, and Max's `Macintosh HD:/Users/…`; on a Mac another volume than
    the one that it starts from is found under `/Volumes`. `base` is what a relative path starts from; None: it is
    refused, because nobody knows what a message from elsewhere means by it. What is there in `base` by the very name
    that was written is meant by it, whatever else `~take.wav` or `file:a.wav` could mean.

    Raises:
        BadArguments: it is empty, a web address, or holds a NUL.
    """
    written = text(name, value)
    if not written.strip() or "\0" in written:
        raise BadArguments(f"{name} must be a file or folder, not {written!r}.")
    if any("\ud800" <= sign <= "\udfff" for sign in written):
        raise BadArguments(f"{name} is not a name in UTF-8: {written!r}.", advice="Rename the file or folder first.")
    if base is not None and os.path.lexists(base / written):
        return os.path.normpath(base / written)
    if written.lower().startswith("file:"):
        written = _path_of_file_url(written)
    elif "://" in written[:10]:
        raise BadArguments(f"{name} must be a file on this computer, not the address {written!r}.")
    elif volume := re.match(r"([^/\\:]{2,}):(/.*)", written, re.DOTALL):
        if volume[1] == "Macintosh HD":
            written = volume[2]
        elif sys.platform == "darwin":
            written = f"/Volumes/{volume[1]}{volume[2]}"
    path = os.path.expanduser(written)  # noqa: PTH111 – pathlib would take the `~` of `./~take.wav` for a home as well
    if path.startswith("~"):
        raise BadArguments(
            f"{name} names the home folder of an unknown user: {written!r}.", advice=f"A file of that name is ./{path}."
        )
    if base is None and not Path(path).is_absolute():
        raise BadArguments(f"{name} must be a whole path, from the root on, not {written!r}.")
    # Without `..`, which leads the search for a project astray; but links stay: a clip may be linked into one.
    return os.path.normpath((base or Path()) / path)


def current_folder() -> Path | None:
    """What a person's relative paths start from; None where somebody has deleted the folder that they are in."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


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


def listed(names: Sequence[str] | Mapping[str, object]) -> str:
    """`a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


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


def number(lowest: float = -math.inf, highest: float = math.inf) -> Callable[[str, object], float]:
    """A finite number from `lowest` to `highest`."""

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


def one_of(names: Sequence[str]) -> Callable[[str, object], str]:
    """One of the names, in whatever case."""

    def read(name: str, value: object) -> str:
        written = text(name, value).strip()
        for known in names:
            if known.casefold() == written.casefold():
                return known
        if len(names) == 1:
            raise BadArguments(f"{name} can only be {names[0]}, not {written!r}.")
        raise BadArguments(f"{name} must be one of {', '.join(names)}, not {written!r}.")

    return read


def truth(name: str, value: object) -> bool:
    """A switch."""
    written = text(name, value).strip().lower()
    if written in ("1", "true", "on", "yes"):
        return True
    if written in ("0", "false", "off", "no"):
        return False
    raise BadArguments(f"{name} must be 1 or 0, not {written!r}.")


def stems(name: str, value: object) -> tuple[str, ...] | None:
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


def midi(name: str, value: object) -> tuple[str, ...] | None:
    """As `stems`; None: those of the stems that are written, which is the default."""
    if value == "stems":
        return None
    return EVERY_STEM if (chosen := stems(name, value)) is None else chosen


def folder(name: str, value: object) -> str | None:
    """An empty text is what a Max patch sends for a field that nobody filled in."""
    return None if value == "" else absolute_path(name, value)


def file_name(name: str, value: object) -> str:
    """A name without folders."""
    signs = (sign for sign in text(name, value) if unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp"))
    written = "".join(signs).strip()
    if not written or written in (".", ".."):
        raise BadArguments(f"{name} must not be empty.")
    if "/" in written or "\\" in written:
        raise BadArguments(f"{name} is a name, not a path: {written!r}; the folder goes into out.")
    return written


def any_text(name: str, value: object) -> str:
    """Text without the blanks around it."""
    return text(name, value).strip()


def given_text(name: str, value: object) -> str:
    """Text, or nothing where a Max patch sends an empty field."""
    return "" if value == "" else any_text(name, value)


def milliseconds(lowest: float, highest: float) -> Reader:
    """A time in milliseconds, in seconds."""
    number_of = number(lowest, highest)
    return lambda name, value: number_of(name, value) / 1000


def percent(name: str, value: object) -> float:
    """0–100 as 0–1."""
    return number(0, 100)(name, value) / 100


def pitch(name: str, value: object) -> int:
    """A pitch as a MIDI number, a note (`F#3`; `C4` is the middle C, 60), or a frequency (`73.4Hz`)."""
    written = text(name, value).strip()
    if note := re.fullmatch(r"([A-Ga-g])([#♯b♭]?)(-?\d)", written):
        key = 12 * (int(note[3]) + 1) + LETTERS[note[1].lower()] + ACCIDENTALS[note[2]]
    elif frequency := re.fullmatch(r"(\d+(?:\.\d+)?)\s*hz", written.lower()):
        hertz = float(frequency[1])
        key = round(69 + 12 * math.log2(hertz / 440)) if hertz > 0 else -1
    elif re.fullmatch(r"\d{1,3}", written):
        key = int(written)
    else:
        raise BadArguments(f"{name} must be a note as D2, a MIDI number or a frequency as 73.4Hz, not {written!r}.")
    if not 0 <= key <= 127:
        raise BadArguments(f"{name} must lie between MIDI's lowest and highest note, C-1 and G9; {written!r} does not.")
    return key


def metre(name: str, value: object) -> Metre:
    """`6/8`"""
    written = text(name, value).strip()
    found = re.fullmatch(r"(\d{1,2})/(1|2|4|8|16|32)", written)
    if found is None or not 0 < int(found[1]) <= LONGEST_BAR:
        raise BadArguments(f"{name} must be written as 4/4 or 6/8, not {written!r}.")
    return int(found[1]), int(found[2])


def grid(name: str, value: object) -> str:
    """One of `music.quantise.GRIDS`, or empty for none."""
    written = given_text(name, value).lower()
    return "" if written in ("", "none") else one_of(("none", *GRIDS))(name, written)


def scale(name: str, value: object) -> str:
    """`Bb major`, `auto`, or empty for none."""
    written = given_text(name, value)
    if written.lower() in ("", "none"):
        return ""
    if written.lower() == "auto":
        return "auto"
    parse_scale(written)
    return written


def some_of(names: Sequence[str]) -> Reader:
    """`none`, or several of the names, each once, in their order."""

    def read(name: str, value: object) -> tuple[str, ...]:
        words = text(name, value).lower().replace(",", " ").split()
        if words == ["none"]:
            return ()
        for word in words:
            if word not in names:
                raise BadArguments(f"{name} must be none, or some of {', '.join(names)}; not {word!r}.")
        return tuple(known for known in names if known in words)

    return read


def picture(name: str, value: object) -> str | None:
    """None: no picture; empty: one among the results; else its path."""
    written = text(name, value).strip()
    if written.lower() in ("0", "false", "off", "no", "none", ""):
        return None
    if written.lower() in ("1", "true", "on", "yes"):
        return ""
    if not written.lower().endswith(".svg"):
        raise BadArguments(f"{name} must be 1, 0, or a file that ends in .svg, not {written!r}.")
    return absolute_path(name, written)
