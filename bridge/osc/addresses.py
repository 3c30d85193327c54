"""Every OSC address of protocol 1, as tables: what may be asked, what is answered, what is sent unasked.

The arguments are written as in the protocol: `s:path` is a string, `i` a whole number, `f` a number, `b` a switch
(1/0 or OSC's true/false; only in requests), `[i:port]` may be left out. `docs/osc.md` is made from these tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bridge.errors import ADVICE
from bridge.options.table import OPTIONS

#: What an OSC argument may be; outgoing ones are only int, float and str.
Argument: TypeAlias = object


class Message(NamedTuple):
    """One OSC message: what travels in either direction."""

    address: str
    arguments: tuple[Argument, ...] = ()


class Parameter(NamedTuple):
    """One positional argument of a request, a reply or a push."""

    type: str
    name: str
    optional: bool

    def value(self, argument: Argument) -> str | int | float:
        """An argument of a message that the bridge has sent, as what it is said to be.

        Raises:
            TypeError, ValueError: it cannot be that.
        """
        if not isinstance(argument, str if self.type == "s" else (int, float)):
            raise TypeError(f"{self.name} is {argument!r}")
        return _TYPES[self.type](argument)


@dataclass(frozen=True)
class Outgoing:
    """An address that the bridge sends; calling it makes a message of the right types."""

    address: str
    signature: str
    help: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.signature)

    def __call__(self, *values: str | float) -> Message:
        """Raises TypeError, ValueError: the values do not fit the signature, which is a programmer's mistake."""
        if len(values) != len(self.parameters):
            raise TypeError(f"{self.address} takes {self.signature}, not {values!r}")
        typed = (_TYPES[parameter.type](value) for parameter, value in zip(self.parameters, values, strict=True))
        return Message(self.address, tuple(typed))


@dataclass(frozen=True)
class Request:
    """An address that the bridge understands."""

    address: str
    signature: str
    replies: tuple[Outgoing, ...]
    """What comes back, in order; the middle one of three comes once for each entry of a list."""
    help: str
    keys: tuple[str, ...] = ()
    """The keys of the `key value` pairs that may follow the positional arguments."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.signature)


def parameters(signature: str) -> tuple[Parameter, ...]:
    """`s:client [i:reply_port]` → its parameters, in order."""
    found = re.findall(r"(\[?)([sifb]):(\w+)\]?", signature)
    return tuple(Parameter(type=kind, name=name, optional=bool(bracket)) for bracket, kind, name in found)


_TYPES: dict[str, type[str] | type[int] | type[float]] = {"s": str, "i": int, "f": float}

HELLO_REPLY = Outgoing("/sab/hello.reply", "i:protocol s:version s:server i:client_id", "Who answers.")
PONG = Outgoing("/sab/pong", "s:token", "The server is there.")
STATUS_REPLY = Outgoing(
    "/sab/status.reply", "i:queued i:running s:engine s:device s:midi_backend", "What the bridge is doing."
)
DONE_SUBSCRIBE = Outgoing("/sab/done", "s:request i:client_id", "The subscription is as you asked.")
DONE = Outgoing("/sab/done", "s:request s:job", "It is done.")
ACCEPTED = Outgoing("/sab/accepted", "s:req s:job i:queue_position", "The job is in the queue; at 0 it starts at once.")
LIST_BEGIN = Outgoing("/sab/list.begin", "i:n", "So many jobs follow.")
JOB = Outgoing("/sab/job", "s:job s:state f:progress s:name", "One job.")
LIST_END = Outgoing("/sab/list.end", "", "That was the list.")
MODELS_BEGIN = Outgoing("/sab/models.begin", "i:n", "So many models follow.")
MODEL = Outgoing("/sab/model", "s:name i:stems i:present s:note", "One model; present: it starts without a download.")
MODELS_END = Outgoing("/sab/models.end", "", "That was the list.")

STARTUP = Outgoing("/sab/startup", "s:version", "The server has started; subscribe again.")
BYE = Outgoing("/sab/bye", "s:version", "The server ends; no more comes from it.")
PROGRESS = Outgoing(
    "/sab/progress",
    "s:job s:stage f:fraction f:eta_seconds",
    "How far a job is: queued, loading, separating, transcribing or writing; eta -1: unknown. "
    "At most 5 a second for each job.",
)
RESULT = Outgoing(
    "/sab/result",
    "s:job s:kind s:name s:path f:seconds i:sample_rate",
    "One file is complete on disk. Its kind is stem, midi, notes (a table) or picture; name is the stem, or all where "
    "it holds the notes of all of them; the sample rate is 0 of all but stems.",
)
MUSIC = Outgoing(
    "/sab/music",
    "s:job f:tempo s:source f:confidence f:first_beat s:key f:margin",
    "What the notes are written at: quarter notes a minute, whether that was given, estimated or is the default, how "
    "sure an estimate is (0 to 1), the seconds to the first beat; the key, as Bb major, empty where it is unknown, and "
    "by how much it fits better than the next (0 to 1).",
)
FINISHED = Outgoing(
    "/sab/finished",
    "s:job s:outcome i:results s:output_dir",
    "A job is over (done, failed or cancelled) and has left so many files.",
)
WARNING = Outgoing("/sab/warning", "s:job s:code s:message", "Something you should know that did not stop the job.")
FAIL = Outgoing(
    "/sab/fail",
    "s:address s:code s:message s:req_or_job",
    "The message to that address was rejected; or, with `/sab/submit` and a job, the job failed.",
)
MIDI_WAIT = Outgoing(
    "/sab/midi.wait", "s:job s:stem s:sync", "The notes of a stem are armed, and wait for the DAW (clock, jack, link)."
)
MIDI_START = Outgoing("/sab/midi.start", "s:job s:stem f:seconds i:notes", "The notes of a stem begin to play.")
MIDI_POSITION = Outgoing(
    "/sab/midi.position",
    "s:job s:stem f:seconds",
    "Where they are, from their start; negative before it. At most 5 a second for each stem.",
)
MIDI_END = Outgoing(
    "/sab/midi.end",
    "s:job s:stem s:outcome f:late_p50_ms f:late_p99_ms f:late_worst_ms",
    "They are over: finished, stopped or failed; and how late they were handed to the port. "
    "Where they follow a DAW, `/sab/midi.wait` comes after it for as long as they are armed.",
)

PUSHES: tuple[Outgoing, ...] = (
    STARTUP, BYE, PROGRESS, RESULT, MUSIC, FINISHED, WARNING, FAIL,
    MIDI_WAIT, MIDI_START, MIDI_POSITION, MIDI_END,
)  # fmt: skip

REQUESTS: dict[str, Request] = {
    request.address: request
    for request in (
        Request(
            "/sab/hello",
            "s:client i:protocol [i:reply_port]",
            (HELLO_REPLY,),
            "Says who you are, and on which port of your machine you listen; 0 or left out: where you send from.",
        ),
        Request("/sab/ping", "[s:token]", (PONG,), "Asks whether the server is there; keeps a subscription alive."),
        Request("/sab/status", "", (STATUS_REPLY,), "Asks what the bridge is doing."),
        Request(
            "/sab/subscribe",
            "b:on [i:ttl_seconds]",
            (DONE_SUBSCRIBE,),
            "Starts or ends the pushes of all jobs; begins with the state of every live job.",
        ),
        Request(
            "/sab/submit",
            "s:path",
            (ACCEPTED,),
            "Queues a job for one audio file.",
            keys=(*OPTIONS, "req"),
        ),
        Request("/sab/cancel", "s:job", (DONE,), "Cancels a job; `*`: all that you have submitted."),
        Request("/sab/list", "", (LIST_BEGIN, JOB, LIST_END), "Lists every job, oldest first."),
        Request("/sab/query", "s:job", (JOB, RESULT), "Asks for one job and the files it has written so far."),
        Request(
            "/sab/play",
            "s:job [s:stem]",
            (DONE,),
            "Plays the notes of a finished job into the MIDI ports, of one stem or of all.",
            keys=("sync", "req"),
        ),
        Request("/sab/stop", "[s:job]", (DONE,), "Ends the playing of one job, or of all."),
        Request("/sab/panic", "", (DONE,), "Silences every note on every port."),
        Request("/sab/models", "", (MODELS_BEGIN, MODEL, MODELS_END), "Lists the separation models."),
    )
}
"""Every address that the bridge understands."""

OUTGOING: tuple[Outgoing, ...] = tuple(
    dict.fromkeys([*(reply for request in REQUESTS.values() for reply in request.replies), *PUSHES])
)
"""Every row that the bridge sends, answers before pushes."""

#: The codes of `/sab/fail`, each with what to do about it.
FAIL_CODES: dict[str, str] = ADVICE

_SAID_HERE = frozenset(outgoing.address for outgoing in OUTGOING)


def is_answer(address: str) -> bool:
    """Whether a message is itself an answer, ours or another OSC program's, as `/done`, `/live/error`, `/x.reply`.

    An answer is never answered: two servers that reject each other's rejections would never stop.
    """
    return address in _SAID_HERE or re.search(r"(/(done|error|fail|late)|[./]reply)$", address) is not None
