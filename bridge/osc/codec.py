"""OSC datagrams ↔ messages.

Incoming bytes are untrusted, so they are read here and in `reading`: python-osc's own parser never ends on an element
of negative size, drops every element of a bundle if one is broken, and knows neither `I` nor `S`. It writes what we
send.
Time tags are ignored: every message takes effect at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import BadArguments, Busy, RequestError
from bridge.osc.addresses import WITH_PATHS, Argument, Message
from bridge.osc.reading import MAX_NESTING, NotOsc, read_address, read_message

#: The largest datagram that the bridge sends (protocol, rule 7).
MAX_OUTGOING_BYTES = 1020
#: Enough for a path of 4096 bytes and every option; a larger datagram is rejected.
MAX_INCOMING_BYTES = 16_384
#: The messages of one datagram; those after them are dropped. One datagram of 16 KB could ask for a thousand lists.
MAX_MESSAGES = 128
#: A message with a path may be larger: a path that is cut cannot be opened. Systems have paths of up to 4096 bytes.
MAX_PATH_MESSAGE_BYTES = 8_192

_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD_BYTES = len(_BUNDLE) + 8  # and a time tag
_SIZE_BYTES = 4
_INT32 = 2**31
_FLOAT32_MAX = 3.4028234e38
_CUT = "…"


@dataclass(frozen=True)
class Rejected:
    """A part of a datagram that is not an OSC message."""

    error: RequestError
    address: str = ""
    """Its address; empty if it could not be read."""


def decode(datagram: bytes) -> list[Message | Rejected]:
    """The messages of a datagram in order, with bundles flattened; never raises.

    After `MAX_MESSAGES` comes one that is rejected, for all others. The types of arguments: `reading.read_message`.
    """
    if len(datagram) > MAX_INCOMING_BYTES:
        return [_rejected(f"A datagram of {len(datagram)} bytes is too large; the limit is {MAX_INCOMING_BYTES}.")]
    if not datagram.startswith(_BUNDLE):
        return [_message(datagram)]
    decoded: list[Message | Rejected] = []
    packets: list[tuple[bytes | Rejected, int]] = [(datagram, 0)]  # with their depth; a stack: the next one is last
    while packets:
        packet, depth = packets.pop()
        if len(decoded) == MAX_MESSAGES:
            decoded.append(Rejected(Busy(f"A bundle may hold {MAX_MESSAGES} messages; those after them were dropped.")))
            break
        if isinstance(packet, Rejected):
            decoded.append(packet)
        elif not packet.startswith(_BUNDLE):
            decoded.append(_message(packet))
        elif depth > MAX_NESTING:
            decoded.append(_rejected(f"Bundles are nested deeper than {MAX_NESTING}."))
        else:
            packets.extend((element, depth + 1) for element in reversed(_elements(packet)))
    return decoded


def encode(message: Message, max_bytes: int | None = None) -> bytes:
    """The datagram of a message of int, float and str; never raises for these.

    Numbers are clamped to their OSC type. If the datagram would be larger than `max_bytes` (None: as large as the
    bridge may send this message), the longest strings are truncated and end with `…`.
    """
    if max_bytes is None:
        max_bytes = MAX_PATH_MESSAGE_BYTES if message.address in WITH_PATHS else MAX_OUTGOING_BYTES
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
        address = read_address(packet)
        return read_message(packet)
    except NotOsc as error:
        what = f"The message to {address}" if address else "The datagram"
        return Rejected(BadArguments(f"{what} is not OSC: {error}."), address)


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
