"""The kinds of single options: stems, places, pitches, metres, scales, the picture."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec

from bridge.errors import BadArguments
from bridge.music.scale import ACCIDENTALS, LETTERS, parse_scale, scale_name
from bridge.options.kinds import OFF, ON, Kind, Number
from bridge.options.paths import absolute_path
from bridge.options.readers import text, words
from bridge.request import LIVE, Scale, TimeSignature
from bridge.stems import AUDIO_STEMS, OPPOSITE_TABLE, STEMS

#: The most beats that a bar may have.
LONGEST_BAR = 32
#: The tempo of a clip whose beats are followed.
MAP = "map"
#: Characters; a message with it, and with the longest path, must fit into a datagram.
LONGEST_GROUP_NAME = 64


@dataclass(frozen=True)
class Stems(Kind):
    """`all`, or some of `names`, each once, in their order; empty: none. `also` is one more word for a choice."""

    words: str = f"all, none, or some of {', '.join(AUDIO_STEMS)}"
    names: tuple[str, ...] = AUDIO_STEMS
    also: str = ""
    all_record: tuple[str, ...] | None = None
    """How a record writes `all`; it writes None for `also`."""
    takes_several: ClassVar[bool] = True

    @property
    def suggestions(self) -> tuple[str, ...]:
        return ("all", "none", *([self.also] if self.also else []), *STEMS)

    def read(self, name: str, value: object) -> object:
        if self.also and value == self.also:
            return self.also
        if isinstance(value, (tuple, list)):
            chosen = [text(name, word).lower() for word in value]
        else:
            chosen = words(name, value)
            if chosen == ["all"]:
                return "all"
            if chosen == ["none"]:
                return ()
            if not chosen:
                raise BadArguments(f"{name} is empty: say {self.words}.")
        for word in chosen:
            if word not in self.names and word in OPPOSITE_TABLE:
                raise BadArguments(
                    f"{name} takes single stems; {word} is the whole mix without {OPPOSITE_TABLE[word].without}.",
                    advice="`sab transcribe` reads notes from such a file.",
                )
            if word not in self.names:
                raise BadArguments(f"{name} must be {self.words}; there is no stem {word!r}.")
        return tuple(stem for stem in self.names if stem in chosen)

    def recorded(self, value: object) -> object:
        if value == "all":
            return self.all_record
        return None if value == self.also else value

    def restored(self, record: object) -> object:
        if record is None:
            return self.also or "all"
        is_all = isinstance(record, (list, tuple)) and tuple(record) == self.all_record
        return "all" if is_all else record

    def shown(self, value: object) -> object:
        return value if isinstance(value, str) else ",".join(map(str, value)) or "none"  # type: ignore[call-overload]


#: The kind for notes: single stems only.
NOTE_STEMS = Stems(f"all, none, or some of {', '.join(STEMS)}", names=STEMS, also="stems", all_record=("all",))


@dataclass(frozen=True)
class Folder(Kind):
    """A file or folder, absolute; None where a Max patch sends a field that is empty."""

    def resolved(self, name: str, value: object, base: Path | None) -> object:
        return value if value == "" else absolute_path(name, value, base)

    def read(self, name: str, value: object) -> object:
        return None if value == "" else absolute_path(name, value)


@dataclass(frozen=True)
class FileName(Kind):
    """A name without folders."""

    def read(self, name: str, value: object) -> object:
        signs = (sign for sign in text(name, value) if unicodedata.category(sign) not in ("Cc", "Cs", "Zl", "Zp"))
        written = "".join(signs).strip()
        if not written or written in (".", ".."):
            raise BadArguments(f"{name} must not be empty.")
        if "/" in written or "\\" in written:
            raise BadArguments(f"{name} is a name, not a path: {written!r}; the folder goes into out.")
        return written


@dataclass(frozen=True)
class GroupName(Kind):
    """A client's name for a group; empty: none."""

    words: str = f"a name of up to {LONGEST_GROUP_NAME} characters"

    def read(self, name: str, value: object) -> object:
        written = text(name, value).strip()
        if len(written) > LONGEST_GROUP_NAME:
            raise BadArguments(f"{name} may have {LONGEST_GROUP_NAME} characters, not {len(written)}.")
        if not written.isprintable():
            raise BadArguments(f"{name} must not have control characters or line ends.")
        return written


@dataclass(frozen=True)
class Pitch(Kind):
    """A MIDI number, 0–127."""

    words: str = "a note as D2, a MIDI number, or a frequency as 73.4Hz"

    def read(self, name: str, value: object) -> object:
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
            raise BadArguments(
                f"{name} must lie between MIDI's lowest and highest note, C-1 and G9; {written!r} does not."
            )
        return key


@dataclass(frozen=True)
class TempoKind(Number):
    """Quarter notes per minute; `map`: the clip's beats are followed."""

    @property
    def suggestions(self) -> tuple[str, ...]:
        return (MAP,)

    def read(self, name: str, value: object) -> object:
        if isinstance(value, str) and value.strip().lower() == MAP:
            return MAP
        try:
            return super().read(name, value)
        except BadArguments as error:
            if isinstance(value, str) and value.strip()[:1].isalpha():
                raise BadArguments(f"{name} must be a number, or {MAP}, not {value!r}.") from None
            raise error


@dataclass(frozen=True)
class MetreKind(Kind):
    """`6/8`, as (6, 8); None: estimated."""

    words: str = "as 4/4 or 6/8; auto"

    def read(self, name: str, value: object) -> TimeSignature | None:
        written = "" if value == "" else text(name, value).strip()
        if written.lower() in ("", "auto"):
            return None
        found = re.fullmatch(r"(\d{1,2})/(1|2|4|8|16|32)", written)
        if found is None or not 0 < int(found[1]) <= LONGEST_BAR:
            raise BadArguments(f"{name} must be written as 4/4 or 6/8, or be auto, not {written!r}.")
        return int(found[1]), int(found[2])


@dataclass(frozen=True)
class ScaleKind(Kind):
    """A scale; `auto`: the key that the notes are in; None: notes stay where they are."""

    words: str = "as Bb major or E dorian; auto, none"

    def read(self, name: str, value: object) -> Scale | str | None:
        written = "" if value == "" else text(name, value).strip()
        if written.lower() in ("", "none"):
            return None
        return "auto" if written.lower() == "auto" else parse_scale(written)

    def recorded(self, value: object) -> object:
        return scale_name(value) if isinstance(value, Scale) else value or ""

    def restored(self, record: object) -> object:
        return msgspec.to_builtins(self.read("scale", record))


@dataclass(frozen=True)
class PictureKind(Kind):
    """None: no picture; empty: one among the results; else its path."""

    words: str = "1, 0, or a path that ends in .svg"

    def resolved(self, name: str, value: object, base: Path | None) -> object:
        return absolute_path(name, value, base) if text(name, value).lower().endswith(".svg") else value

    def read(self, name: str, value: object) -> str | None:
        written = text(name, value).strip()
        if written.lower() in (*OFF, "none", ""):
            return None
        if written.lower() in ON:
            return ""
        if not written.lower().endswith(".svg"):
            raise BadArguments(f"{name} must be 1, 0, or a file that ends in .svg, not {written!r}.")
        return absolute_path(name, written)


@dataclass(frozen=True)
class PlayTime(Kind):
    """Whether and when notes are played: not (False), when the job is done (True), or `live`."""

    words: str = f"0, 1 or {LIVE}"

    @property
    def suggestions(self) -> tuple[str, ...]:
        return ("0", "1", LIVE)

    def read(self, name: str, value: object) -> object:
        written = text(name, value).strip().lower()
        if written == LIVE:
            return LIVE
        if written in ON or written in OFF:
            return written in ON
        raise BadArguments(f"{name} must be {self.words}, not {written!r}.")
