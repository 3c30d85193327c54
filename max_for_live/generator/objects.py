"""Max's objects as far as the device uses them: their inlets, and what their outlets give.

Max drops a cord to an inlet or outlet that is not there without a word, so the numbers must be right. They are those of
boxes that Max itself has saved.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Arity:
    """How many inlets an object has, and the type of each outlet as Max writes it (`""` is a message)."""

    inlets: int
    outlets: tuple[str, ...]


#: Objects that are typed into a box, by their first word, as far as their arguments do not matter.
TYPED: dict[str, Arity] = {
    "plugin~": Arity(2, ("signal", "signal")),
    "plugout~": Arity(2, ("signal", "signal")),
    "live.thisdevice": Arity(1, ("bang", "int", "int")),
    "deferlow": Arity(1, ("",)),
    "prepend": Arity(1, ("",)),
    "udpsend": Arity(1, ()),
    "udpreceive": Arity(1, ("",)),
}

#: Objects with a class of their own.
CLASSES: dict[str, Arity] = {
    "message": Arity(2, ("",)),
    "comment": Arity(1, ()),
    "led": Arity(1, ("int",)),
    "multislider": Arity(1, ("", "")),
    "live.comment": Arity(1, ()),
    "live.line": Arity(1, ()),
    "live.text": Arity(1, ("", "")),
    "live.menu": Arity(1, ("", "", "float")),
    "live.tab": Arity(1, ("", "", "float")),
    "live.numbox": Arity(1, ("", "float")),
}

_TRIGGERED = {"b": "bang", "i": "int", "f": "float", "l": "", "s": ""}


def arity(maxclass: str, text: str, script_outlets: int) -> Arity:
    """Of one box; `text` is what a `newobj` is made of, `script_outlets` how many the device's `js` declares.

    Raises:
        KeyError: an object that is not in the tables.
    """
    if maxclass != "newobj":
        return CLASSES[maxclass]
    name, *arguments = shlex.split(text)
    if name == "js":
        return Arity(1, ("",) * script_outlets)
    if name == "t":
        return Arity(1, tuple(_TRIGGERED[argument] for argument in arguments))
    if name == "route":
        return Arity(len(arguments) + 1, ("",) * (len(arguments) + 1))
    return TYPED[name]
