"""Parses a message's arguments by the signature of its address.

Max has no integers in some places and no doubles at all, and a shell sends what it likes as text, so a number may have
any type. Arguments after the last known one are ignored, but not the words of a list that belong to a key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.errors import BadArguments, UnknownAddress
from bridge.options.kinds import OFF, ON
from bridge.options.readers import listed, number, text
from bridge.options.table import OPTIONS
from bridge.osc.addresses import REQUESTS, Argument, Message, Parameter, Request

_T = TypeVar("_T")

_INT32_MAX = 2**31 - 1
#: A token is remembered for a minute, whoever sends it.
MAX_REQ_BYTES = 64


@dataclass(frozen=True)
class Arguments:
    """The arguments of a request; one that was left out is "", 0 or 0.0."""

    strings: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    options: dict[str, object] = field(default_factory=dict)
    """The `key value` pairs, without `req`."""
    req: str = ""
    """The client's token; empty: none."""

    @property
    def subject(self) -> str:
        """The last argument of `/sab/fail`: the token, else the job."""
        return self.req or self.strings.get("job", "")


def read_arguments(message: Message) -> Arguments:
    """Raises UnknownAddress, BadArguments: with a message for the author of the client."""
    request = REQUESTS.get(message.address)
    if request is None:
        raise UnknownAddress(f"There is no address {message.address}.")
    strings: dict[str, str] = {}
    numbers: dict[str, int] = {}
    # A single nil counts as no argument: programs that show OSCQuery's type N as a button send it.
    rest = [] if message.arguments == (None,) else list(message.arguments)
    for parameter in request.parameters:
        absent = not rest or (parameter.optional and rest[0] in request.keys)
        if absent and not parameter.optional:
            raise BadArguments(
                f"{request.address} needs {parameter.name}, {_EXPECTED[parameter.type]}; "
                f"its arguments are {request.signature}."
            )
        if parameter.type == "s":
            strings[parameter.name] = "" if absent else _convert(_string, request, parameter, rest.pop(0))
        else:
            reader = _switch if parameter.type == "b" else _whole_number
            numbers[parameter.name] = 0 if absent else _convert(reader, request, parameter, rest.pop(0))
    options = _pairs(request, rest)
    req = text("req", options.pop("req", ""))
    if len(req.encode("utf-8", "replace")) > MAX_REQ_BYTES:
        raise BadArguments(f"{request.address}: req may have {MAX_REQ_BYTES} bytes, not more.")
    return Arguments(strings=strings, numbers=numbers, options=options, req=req)


def find_req(message: Message) -> str:
    """The token of a message that could not be parsed, so that its sender can tell which one failed."""
    for key, value in zip(message.arguments, message.arguments[1:], strict=False):
        if key == "req" and isinstance(value, (str, int, float)):
            return text("req", value)[:MAX_REQ_BYTES]
    return ""


def _pairs(request: Request, rest: list[Argument]) -> dict[str, object]:
    pairs: dict[str, object] = {}
    if not request.keys:
        return pairs
    last = ""
    for index in range(0, len(rest), 2):
        key = rest[index]
        if not isinstance(key, str) or key not in request.keys:
            _check_list(request, rest, index, last)
            if index == len(rest) - 1:
                break  # an argument after the last known one
            raise BadArguments(f"{request.address} has no key {_shortened(key)}; its keys are {listed(request.keys)}.")
        if index == len(rest) - 1:
            raise BadArguments(f"{request.address}: the key {key} has no value.")
        pairs[key] = _listed_items(rest[index + 1]) if _takes_several(key) else rest[index + 1]
        last = key
    return pairs


def _check_list(request: Request, rest: list[Argument], index: int, key: str) -> None:
    """Raises BadArguments: the words from `index` on are further items of the list that `key` takes."""
    if not _takes_several(key) or not isinstance(rest[index], str):
        return
    items = [str(rest[index - 1])]
    for word in rest[index:]:
        if not isinstance(word, str) or word in request.keys:
            break
        items.append(word)
    raise BadArguments(
        f"{request.address}: {key} takes one argument.",
        advice=f"Write its words with commas: {key} {_shortened(','.join(items), quoted=False)}",
    )


def _takes_several(key: str) -> bool:
    return key in OPTIONS and OPTIONS[key].kind.takes_several


def _listed_items(value: Argument) -> Argument:
    """An OSC array of words as the list is written in one word."""
    if isinstance(value, tuple) and all(isinstance(item, str) for item in value):
        return ",".join(map(str, value))
    return value


def _convert(reader: Callable[[Argument], _T], request: Request, parameter: Parameter, value: Argument) -> _T:
    try:
        return reader(value)
    except (BadArguments, ValueError, OverflowError):
        raise BadArguments(
            f"{request.address}: {parameter.name} must be {_EXPECTED[parameter.type]}, not {_shortened(value)}."
        ) from None


def _string(value: Argument) -> str:
    return text("", value)


def _whole_number(value: Argument) -> int:
    found = int(value) if isinstance(value, bool) else number("", value, -_INT32_MAX, _INT32_MAX)
    if found != int(found):
        raise ValueError(value)
    return int(found)


def _switch(value: Argument) -> int:
    written = text("", value).strip().lower()
    if written not in ON and written not in OFF:
        raise ValueError(value)
    return int(written in ON)


def _shortened(value: Argument, *, quoted: bool = True) -> str:
    words = repr(value) if quoted else str(value)
    return words if len(words) <= 60 else f"{words[:60]}…"


_EXPECTED = {"s": "a string", "i": "a whole number", "f": "a number", "b": "1 or 0"}
