"""The kinds of values that options have.

A kind reads a value from outside, describes the allowed values in words, and gives their OSC type and range to
programs. Help texts, pages, OSCQuery and the command line all use it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bridge.errors import BadArguments
from bridge.options.readers import number, one_of, text, words

ON, OFF = ("1", "true", "on", "yes"), ("0", "false", "off", "no")


@dataclass(frozen=True)
class Range:
    """The allowed values, for programs; None: no such limit."""

    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str | int, ...] = ()
    """The only allowed values; empty: any."""


@dataclass(frozen=True)
class Kind:
    """Base of all kinds: text."""

    words: str
    """The allowed values, for people."""
    tag: ClassVar[str] = "s"
    """OSC's type tag: `f`, `s`, or `T` for a switch."""
    takes_several: ClassVar[bool] = False
    """Whether a value is a list of words with commas between them."""

    @property
    def range(self) -> Range | None:
        """None: unlimited."""
        return None

    @property
    def suggestions(self) -> tuple[str, ...]:
        """The words that a shell offers; for a list, those of its items."""
        return () if self.range is None else tuple(map(str, self.range.choices))

    def read(self, name: str, value: object) -> object:
        """The parsed value of `value`, which is typed or text.

        Raises:
            BadArguments: it is invalid; the message begins with `name`.
        """
        return text(name, value).strip()

    def resolved(self, name: str, value: object, base: Path | None) -> object:
        """The raw value, with a path in it made absolute; `base` None: relative paths are refused."""
        del name, base
        return value

    def recorded(self, value: object) -> object:
        """The value in records (histories, manifests): JSON's types only."""
        return value

    def restored(self, record: object) -> object:
        """The inverse of `recorded`, in JSON's types. Raises BadArguments, ValueError."""
        return record

    def shown(self, value: object) -> object:
        """The value as a user would type it."""
        return value


@dataclass(frozen=True)
class Number(Kind):
    """A number; inside it is what people write over `divisor`: 0–1 for percent, seconds for milliseconds."""

    lowest: float = -math.inf
    highest: float = math.inf
    divisor: float = 1.0
    tag: ClassVar[str] = "f"

    @property
    def range(self) -> Range | None:
        lowest, highest = (None if math.isinf(limit) else limit for limit in (self.lowest, self.highest))
        return None if lowest is None and highest is None else Range(lowest, highest)

    def read(self, name: str, value: object) -> object:
        found = number(name, value, self.lowest, self.highest)
        return found if self.divisor == 1.0 else found / self.divisor


@dataclass(frozen=True)
class WholeNumber(Number):
    """A whole number from 0."""

    lowest: float = 0
    tag: ClassVar[str] = "i"

    def read(self, name: str, value: object) -> object:
        found = number(name, value, self.lowest, self.highest)
        if not found.is_integer():
            raise BadArguments(f"{name} must be a whole number, not {found:g}.")
        return int(found)


def between(lowest: float, highest: float, unit: str, divisor: float = 1.0) -> Number:
    """A number whose words are its limits and its unit: `20–400 BPM`."""
    return Number(f"{lowest:g}–{highest:g} {unit}", float(lowest), float(highest), divisor)


@dataclass(frozen=True)
class Choice(Kind):
    """One of some names, in any case."""

    names: tuple[str, ...]

    @property
    def range(self) -> Range | None:
        return Range(choices=self.names)

    def read(self, name: str, value: object) -> object:
        return one_of(name, value, self.names)


def choice_of(*names: str) -> Choice:
    return Choice(", ".join(names), names)


@dataclass(frozen=True)
class OptionalChoice(Choice):
    """As `Choice`, where the first name means that there is none: None."""

    def read(self, name: str, value: object) -> object:
        none, *_ = self.names
        written = text(name, value).strip()
        found = one_of(name, written, self.names) if written else none
        return None if found == none else found

    def recorded(self, value: object) -> object:
        return "" if value is None else value

    def restored(self, record: object) -> object:
        return None if record == "" else record


@dataclass(frozen=True)
class Switch(Kind):
    """On or off."""

    words: str = "1 or 0"
    tag: ClassVar[str] = "T"

    def read(self, name: str, value: object) -> object:
        written = text(name, value).strip().lower()
        if written in ON:
            return True
        if written in OFF:
            return False
        raise BadArguments(f"{name} must be 1 or 0, not {written!r}.")


@dataclass(frozen=True)
class Names(Kind):
    """`none`, or several of some names, each once, in their order."""

    names: tuple[str, ...]
    takes_several: ClassVar[bool] = True

    @property
    def range(self) -> Range | None:
        return Range(choices=("none", *self.names))

    def read(self, name: str, value: object) -> object:
        chosen = words(name, value)
        if chosen == ["none"]:
            return ()
        for word in chosen:
            if word not in self.names:
                raise BadArguments(f"{name} must be none, or some of {', '.join(self.names)}; not {word!r}.")
        return tuple(known for known in self.names if known in chosen)
