"""OSC 1.0 datagrams ↔ messages, with python-osc's readers and writers.

Incoming bytes are untrusted, so bundles are parsed here: python-osc's own parser never ends on an element of negative
size, and drops every element if one is broken. Time tags are ignored: every message takes effect at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message import ParseError as MessageError
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from bridge.errors import BadArguments
from bridge.osc.addresses import Argument, Message

#: The largest datagram that the bridge sends (protocol, rule 7).
MAX_OUTGOING_BYTES = 1020
#: Enough for a path of 4096 bytes and every option; a larger datagram is rejected.
MAX_INCOMING_BYTES = 16_384

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD_BYTES = len(_BUNDLE) + 8  # and a time tag
_SIZE_BYTES = 4
_READABLE_TAGS = frozenset("ifshdbtrmTFN[]")
_INT32 = 2**31
_FLOAT32_MAX = 3.4028234e38
_INFINITY = b"\x7f\x80\x00\x00"
_CUT = "…"


@dataclass(frozen=True)
class Rejected:
    """A part of a datagram that is not an OSC message."""

    error: BadArguments
    address: str = ""
    """Its address; empty if it could not be read."""


def decode(datagram: bytes) -> list[Message | Rejected]:
    """All messages of a datagram in order, with bundles flattened; never raises.

    Arguments are str, int, float, bool or None; for types that no address uses also bytes, tuples and lists.
    """
    if len(datagram) > MAX_INCOMING_BYTES:
        return [_rejected(f"A datagram of {len(datagram)} bytes is too large; the limit is {MAX_INCOMING_BYTES}.")]
    decoded: list[Message | Rejected] = []
    packets: list[bytes | Rejected] = [datagram]  # a stack: the next one to read is last
    while packets:
        packet = packets.pop()
        if isinstance(packet, Rejected):
            decoded.append(packet)
        elif packet.startswith(_BUNDLE):
            packets.extend(reversed(_elements(packet)))
        else:
            decoded.append(_message(packet))
    return decoded


def encode(message: Message, max_bytes: int = MAX_OUTGOING_BYTES) -> bytes:
    """The datagram of a message of int, float and str; never raises for these.

    Numbers are clamped to their OSC type. If the datagram would be larger than `max_bytes`, the longest strings are
    truncated and end with `…`.
    """
    arguments = [_sendable(argument) for argument in message.arguments]
    surplus = _size(message.address, arguments) - max_bytes
    while surplus > 0:
        longest = max(range(len(arguments)), key=lambda index: _bytes(arguments[index]), default=None)
        if longest is None or _bytes(arguments[longest]) <= len(_CUT.encode()):
            break
        arguments[longest] = _shortened(str(arguments[longest]), surplus)
        surplus = _size(message.address, arguments) - max_bytes
    builder = OscMessageBuilder(message.address)
    for argument in arguments:
        builder.add_arg(argument, {int: "i", float: "f", str: "s"}[type(argument)])
    return builder.build().dgram


def _elements(bundle: bytes) -> list[bytes | Rejected]:
    """The packets in a bundle; after a wrong size, the rest of the bundle is one rejected packet."""
    elements: list[bytes | Rejected] = []
    index = _BUNDLE_HEAD_BYTES
    if len(bundle) < index:
        return [_rejected("A bundle ends before its time tag does.")]
    while index < len(bundle):
        size = int.from_bytes(bundle[index : index + _SIZE_BYTES], "big", signed=True)
        index += _SIZE_BYTES
        if size < 0 or size % 4 or index + size > len(bundle):
            elements.append(_rejected(f"A bundle's element claims {size} bytes; the rest of the bundle is lost."))
            break
        elements.append(bundle[index : index + size])
        index += size
    return elements


def _message(packet: bytes) -> Message | Rejected:
    address = ""
    try:
        if not packet.startswith(b"/") or len(packet) % 4:
            raise MessageError("it does not start with an address, or its length is no multiple of 4")
        address, index = osc_types.get_string(packet, 0)
        tags = osc_types.get_string(packet, index)[0] if index < len(packet) else ""
        if unreadable := set(tags[1:]) - _READABLE_TAGS:
            raise MessageError(f"it has arguments of the unknown types {' '.join(sorted(unreadable))}")
        message = OscMessage(packet)
        if tags.rstrip("TFN[]").endswith("f") and repr(OscMessage(packet + _INFINITY).params) != repr(message.params):
            # python-osc reads a missing last float as 0.0; only then do bytes after the packet change its result
            raise MessageError("its last argument is missing")
    except (MessageError, osc_types.ParseError, UnicodeDecodeError, OverflowError) as error:
        what = f"The message to {address}" if address else "The datagram"
        return Rejected(BadArguments(f"{what} is not OSC: {error}."), address)
    return Message(message.address, tuple(message.params))


def _rejected(reason: str) -> Rejected:
    return Rejected(BadArguments(reason))


def _sendable(argument: Argument) -> int | float | str:
    if isinstance(argument, int):
        return int(min(max(argument, -_INT32), _INT32 - 1))
    if isinstance(argument, float):
        return 0.0 if math.isnan(argument) else min(max(argument, -_FLOAT32_MAX), _FLOAT32_MAX)
    # a NUL would end the string early; a lone surrogate (an undecodable file name) cannot be encoded as UTF-8
    return str(argument).replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _bytes(argument: int | float | str) -> int:
    return len(argument.encode()) if isinstance(argument, str) else 0


def _size(address: str, arguments: list[int | float | str]) -> int:
    strings = [address, "," + "." * len(arguments), *(argument for argument in arguments if isinstance(argument, str))]
    return sum(len(string.encode()) // 4 * 4 + 4 for string in strings) + 4 * sum(
        not isinstance(argument, str) for argument in arguments
    )


def _shortened(string: str, surplus: int) -> str:
    kept_bytes = len(string.encode()) - surplus - len(_CUT.encode())
    return string.encode()[: max(kept_bytes, 0)].decode("utf-8", "ignore") + _CUT
