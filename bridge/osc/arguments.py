"""Parses a message's arguments by the signature of its address.

Max has no integers in some places and no doubles at all, so numbers of any type are accepted. Arguments after the last
known one are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bridge.errors import BadArguments, UnknownAddress
from bridge.options.readers import listed, text
from bridge.osc.addresses import REQUESTS, Argument, Message, Parameter, Request

_T = TypeVar("_T")

_INT32_MAX = 2**31 - 1


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
    token = options.pop("req", "")
    return Arguments(strings=strings, numbers=numbers, options=options, req=text("req", token))


def find_req(message: Message) -> str:
    """The token of a message that could not be parsed, so that its sender can tell which one failed."""
    for key, value in zip(message.arguments, message.arguments[1:], strict=False):
        if key == "req" and isinstance(value, (str, int, float)):
            return text("req", value)
    return ""


def _pairs(request: Request, rest: list[Argument]) -> dict[str, object]:
    pairs: dict[str, object] = {}
    if not request.keys:
        return pairs
    for key, value in zip(rest[::2], rest[1::2], strict=False):
        if not isinstance(key, str) or key not in request.keys:
            raise BadArguments(f"{request.address} has no key {key!r}; its keys are {listed(request.keys)}.")
        pairs[key] = value
    if len(rest) % 2 and rest[-1] in request.keys:
        raise BadArguments(f"{request.address}: the key {rest[-1]} has no value.")
    return pairs


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
    if not isinstance(value, (int, float)) or value != int(value) or abs(value) > _INT32_MAX:
        raise ValueError(value)
    return int(value)


def _switch(value: Argument) -> int:
    if not isinstance(value, (int, float)) or value not in (0, 1):
        raise ValueError(value)
    return int(value)


def _shortened(value: Argument) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


_EXPECTED = {"s": "a string", "i": "a whole number", "f": "a number", "b": "1 or 0"}
