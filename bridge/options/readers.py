"""How a value from outside is read as text, a number or a switch: typed as OSC sends it, or as text from a shell.

Each reader takes the option's name, for its error, and the raw value.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bridge.errors import BadArguments


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


def number(name: str, value: object, lowest: float = -math.inf, highest: float = math.inf) -> float:
    """A finite number from `lowest` to `highest`.

    Raises:
        BadArguments: it is no number, or lies outside.
    """
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise TypeError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadArguments(f"{name} must be a number, not {value!r}.") from None
    if not math.isfinite(found):
        raise BadArguments(f"{name} must be a finite number.")
    if found < lowest:
        raise BadArguments(f"{name} must be at least {lowest:g}, not {found:g}.")
    if found > highest:
        raise BadArguments(f"{name} must be at most {highest:g}, not {found:g}.")
    return found


def one_of(name: str, value: object, names: Sequence[str]) -> str:
    """One of the names, in any case.

    Raises:
        BadArguments: it is none of them.
    """
    written = text(name, value).strip()
    for known in names:
        if known.casefold() == written.casefold():
            return known
    if len(names) == 1:
        raise BadArguments(f"{name} can only be {names[0]}, not {written!r}.")
    raise BadArguments(f"{name} must be one of {', '.join(names)}, not {written!r}.")


def words(name: str, value: object) -> list[str]:
    """The words of a list that commas or blanks separate, in lower case."""
    return text(name, value).lower().replace(",", " ").split()
