"""The inlets and outlets of the Max objects that the device uses.

Max drops a cord to an inlet or outlet that does not exist without an error, so the numbers must be right. They were
taken from boxes saved by Max itself.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass


@dataclass(frozen=True)
class Arity:
    """The number of inlets of an object, and the type of each outlet as Max writes it (`""` is a message)."""

    inlets: int
    outlets: tuple[str, ...]


#: Objects that are typed into a box, by their first word; those whose arguments do not change the inlets and outlets.
TYPED: dict[str, Arity] = {
    "plugin~": Arity(2, ("signal", "signal")),
    "plugout~": Arity(2, ("signal", "signal")),
    "live.thisdevice": Arity(1, ("bang", "int", "int")),
    "deferlow": Arity(1, ("",)),
    "prepend": Arity(1, ("",)),
    "udpsend": Arity(1, ()),
    "udpreceive": Arity(1, ("",)),
}

#: Objects that have their own class.
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
    """The arity of one box; `text` is the text of a `newobj`, `script_outlets` the outlets that the `js` declares.

    Raises:
        KeyError: the object is not in the tables.
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
