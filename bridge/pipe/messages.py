"""What a screen and its bridge say to each other, each message a frame of `processes.frames`.

A screen begins with `Hello`, and the bridge answers with `HelloReply`; these two never change their shape, so that two
versions of the bridge understand that they do not understand each other. A screen then gets the jobs (`KnownJobs`),
the open groups (`Ready`), and every event from that moment on (`Told`).
"""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

import msgspec

from bridge import __version__
from bridge.errors import ProtocolMismatch
from bridge.events import Event
from bridge.groups.group import Group
from bridge.model import Job, Status
from bridge.processes.frames import frame
from bridge.request import JobRequest
from bridge.value import Value

T = TypeVar("T")

#: Raised when a message changes between two releases.
PIPE_PROTOCOL = 1
#: The code of an answer that a newer question has replaced; see `bridge.errors.Cancelled`.
CANCELLED = "cancelled"
#: The largest message to a bridge: a request is some kB, and thousands of job names are less than this.
MAX_ASK_BYTES = 1024 * 1024


class Hello(Value, frozen=True, kw_only=True, tag="hello"):
    """The first message to a bridge."""

    version: str = __version__
    protocol: int = PIPE_PROTOCOL
    is_screen: bool = False
    """Whether jobs and events are to follow; else only questions are answered."""


class Ask(Value, frozen=True, kw_only=True, tag="ask"):
    """Calls a method of the bridge."""

    number: int
    """Of the question, which its answer repeats."""
    method: str
    """One of `methods.METHODS`."""
    arguments: msgspec.Raw


class Withdraw(Value, frozen=True, kw_only=True, tag="withdraw"):
    """Nobody waits for the answer any more, and the work for it can end."""

    number: int


class WatchStream(Value, frozen=True, kw_only=True, tag="watch"):
    """A stream is to be told from now on, or not any more."""

    stream: str
    """One of `methods.STREAMS`."""
    is_on: bool


class AskToQuit(Value, frozen=True, kw_only=True, tag="quit"):
    """The bridge is to end in order."""


ToBridge: TypeAlias = Hello | Ask | Withdraw | WatchStream | AskToQuit


class Facts(Value, frozen=True, kw_only=True):
    """What a screen must know of its bridge beside jobs and events."""

    address: str
    """As `osc.udp://127.0.0.1:9720`."""
    http_address: str
    """Empty if there is no HTTP server."""
    defaults: JobRequest
    """What a job gets if its request leaves an option out."""
    keeps_jobs: bool
    process: int
    """The number of the bridge's process."""
    screens: int
    """How many screens are attached already."""
    status: Status


class HelloReply(Value, frozen=True, kw_only=True, tag="greeting"):
    """The first message from a bridge."""

    version: str
    protocol: int
    facts: msgspec.Raw
    """`Facts`, for who has the same version."""


class KnownJobs(Value, frozen=True, kw_only=True, tag="jobs"):
    """Some jobs of the history; all come before `Ready`, oldest first."""

    jobs: tuple[Job, ...]


class Ready(Value, frozen=True, kw_only=True, tag="ready"):
    """All jobs are told."""

    groups: tuple[Group, ...]
    """Those that are not over."""


class Told(Value, frozen=True, kw_only=True, tag="told"):
    """An event."""

    event: Event


class Watched(Value, frozen=True, kw_only=True, tag="watched"):
    """Something of a stream that the screen watches."""

    stream: str
    value: msgspec.Raw


class Answered(Value, frozen=True, kw_only=True, tag="answer"):
    number: int
    result: msgspec.Raw


class Refused(Value, frozen=True, kw_only=True, tag="refused"):
    """A question's answer is an error."""

    number: int
    """0: all that this connection may ask."""
    code: str
    """Of `bridge.errors`."""
    message: str
    advice: str


class Goodbye(Value, frozen=True, kw_only=True, tag="goodbye"):
    """The bridge ends in order."""


FromBridge: TypeAlias = HelloReply | KnownJobs | Ready | Told | Watched | Answered | Refused | Goodbye

_encode = msgspec.msgpack.Encoder().encode
_to_bridge = msgspec.msgpack.Decoder(ToBridge)
_from_bridge = msgspec.msgpack.Decoder(FromBridge)


def framed(message: ToBridge | FromBridge) -> bytes:
    """Raises ValueError: it is too large, or a text in it is no text."""
    return frame(_encode(message))


def raw(value: object) -> msgspec.Raw:
    """Raises ValueError: a text in it is no text."""
    return msgspec.Raw(_encode(value))


def read_ask(payload: bytes) -> ToBridge:
    """Raises msgspec.MsgspecError."""
    message: ToBridge = _to_bridge.decode(payload)
    return message


def read_reply(payload: bytes) -> FromBridge:
    """Raises msgspec.MsgspecError."""
    message: FromBridge = _from_bridge.decode(payload)
    return message


def read_raw(value: msgspec.Raw, kind: Any) -> Any:
    """Raises msgspec.MsgspecError: it is not of this kind."""
    return msgspec.msgpack.decode(value, type=kind)


def check_version(greeting: HelloReply) -> None:
    """Raises ProtocolMismatch: the bridge is not of this version."""
    if (greeting.version, greeting.protocol) != (__version__, PIPE_PROTOCOL):
        raise ProtocolMismatch(
            f"The bridge that runs is version {greeting.version}, and this program is version {__version__}.",
            advice="Quit that bridge, and start it again.",
        )
