"""All errors of the bridge, as one tree with stable codes.

    BridgeError
    ├── RequestError        the message or command is invalid
    │   ├── UnknownAddress          unknown_address
    │   ├── BadArguments            bad_arguments
    │   ├── ProtocolMismatch        protocol
    │   ├── NotAllowed              not_allowed
    │   ├── QueueFull               queue_full
    │   ├── Busy                    busy
    │   └── TooManyClients          too_many_clients
    ├── SourceError         the audio file cannot be used
    │   ├── NotFound                not_found
    │   ├── NotReadable             not_readable
    │   ├── NotAudio                not_audio
    │   ├── TooLong                 too_long
    │   └── OutsideRoots            outside_roots
    ├── OutputError         the results cannot be written
    │   ├── NotWritable             not_writable
    │   └── OutOfSpace              out_of_space
    ├── EngineError         the work itself failed
    │   ├── WeightsUnavailable      weights_unavailable
    │   ├── EngineFailed            engine_failed
    │   └── OutOfMemory             out_of_memory
    └── InternalError               internal

`Cancelled` is not part of the tree: a cancelled job is a state, not an error. It only unwinds the worker's stack.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.plain import plain

#: Longest message in characters; what an 80 × 24 terminal has room for.
MAX_LINE = 400
#: One sentence of advice per code, appended to a message without its own.
ADVICE: dict[str, str] = {
    "unknown_address": "See docs/osc.md for the addresses that this server understands.",
    "bad_arguments": "`sab COMMAND --help` and docs/osc.md list the valid arguments.",
    "protocol": "Update the client or the bridge, so that both speak the same protocol version.",
    "not_allowed": "docs/security.md says who may ask this bridge, and how a program shows that it may.",
    "queue_full": "Wait for a job to finish, or cancel one.",
    "busy": "Send fewer messages at once, and wait for their answers.",
    "too_many_clients": "End a program that listens to the bridge and is not needed, or wait until it is forgotten.",
    "not_found": "Check the name, and whether its drive is connected.",
    "not_readable": "Check that it is a file, and that you may read it.",
    "not_audio": "Name a WAV, AIFF, FLAC, Ogg, MP3 or M4A file, or export the clip as WAV first.",
    "too_long": "Choose a shorter region with start and end, or raise `max_minutes` in the settings.",
    "outside_roots": "Move the file into one of the folders in the setting `roots`, or add its folder there.",
    "not_writable": "Choose another folder with out, or change that folder's permissions.",
    "out_of_space": "Free some space on that drive, or choose another folder with out.",
    "weights_unavailable": "Connect to the internet and run `sab models pull NAME`, or use the engine good.",
    "engine_failed": "Try again, or use the engine draft. If that fails too, `sab log` shows the details.",
    "out_of_memory": "Choose a shorter region, close other programs, or use the engine draft.",
    "internal": "This is a bug in the bridge; `sab log` shows the details.",
}

#: The codes of failures for which the machine may be to blame, and not the clip: another one may do the job.
OF_THE_MACHINE = frozenset({"engine_failed", "out_of_memory", "not_writable", "weights_unavailable", "internal"})


class BridgeError(Exception):
    """A problem in words for the user: what happened, then what to do next.

    `code` is stable and is sent over OSC and written to JSON. `message` is one line without the advice. Both texts are
    `plain`, because clients show them on their own terminals.
    """

    code: str = "internal"

    def __init__(self, message: str, *, advice: str | None = None) -> None:
        self.message = _short(plain(" ".join(message.split())))
        self.advice = ADVICE[self.code] if advice is None else plain(advice)
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


def _short(line: str) -> str:
    """The line, with its middle cut out if it is too long."""
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE // 2]} … {line[-MAX_LINE // 3 :]}"


class RequestError(BridgeError):
    code = "bad_arguments"


class UnknownAddress(RequestError):
    code = "unknown_address"


class BadArguments(RequestError):
    code = "bad_arguments"


class ProtocolMismatch(RequestError):
    code = "protocol"


class NotAllowed(RequestError):
    code = "not_allowed"


class QueueFull(RequestError):
    code = "queue_full"


class Busy(RequestError):
    code = "busy"


class TooManyClients(RequestError):
    code = "too_many_clients"


class SourceError(BridgeError):
    code = "not_readable"


class NotFound(SourceError):
    code = "not_found"


def no_such_job(job: str) -> NotFound:
    """For a client of any kind: over OSC, HTTP or the pipe."""
    return NotFound(f"There is no job {job}.", advice="The list of jobs has those that are known.")


class NotReadable(SourceError):
    code = "not_readable"


class NotAudio(SourceError):
    code = "not_audio"


class TooLong(SourceError):
    code = "too_long"


class OutsideRoots(SourceError):
    code = "outside_roots"


class OutputError(BridgeError):
    code = "not_writable"


class NotWritable(OutputError):
    code = "not_writable"


class OutOfSpace(OutputError):
    code = "out_of_space"


class EngineError(BridgeError):
    code = "engine_failed"


class WeightsUnavailable(EngineError):
    code = "weights_unavailable"


class EngineFailed(EngineError):
    code = "engine_failed"


class OutOfMemory(EngineError):
    code = "out_of_memory"


class InternalError(BridgeError):
    code = "internal"


class Cancelled(Exception):
    """Unwinds a job's work after it was cancelled; never shown to the user."""


#: The class of each code.
ERRORS: Mapping[str, type[BridgeError]] = {
    kind.code: kind
    for kind in (
        *(UnknownAddress, BadArguments, ProtocolMismatch, NotAllowed, QueueFull, Busy, TooManyClients),
        *(NotFound, NotReadable, NotAudio, TooLong, OutsideRoots),
        *(NotWritable, OutOfSpace),
        *(WeightsUnavailable, EngineFailed, OutOfMemory),
        InternalError,
    )
}


def error_for(code: str, message: str, advice: str = "") -> BridgeError:
    """The error that another process has reported by its code; a code that only a later version knows is kept.

    Without `advice`, the message already contains it.
    """
    error = ERRORS.get(code, BridgeError)(message, advice=advice)
    error.code = code
    return error


def unresponsive_drive(path: object) -> NotReadable:
    """The error for a file whose drive, or server, does not answer."""
    return NotReadable(
        f"The drive or server that {path} lies on does not answer.",
        advice="Check that it is connected, or copy the clip to another drive.",
    )
