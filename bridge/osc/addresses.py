"""Every OSC address of protocol 1, as tables: requests, replies and pushes.

The arguments are written as in the protocol: `s:path` is a string, `i` a whole number, `f` a number, `b` a switch
(1/0 or OSC's true/false; only in requests), `[i:port]` is optional. `docs/osc.md` is generated from these tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bridge.errors import ADVICE
from bridge.options.table import OPTIONS

#: Any OSC argument; outgoing ones are only int, float and str.
Argument: TypeAlias = object


class Message(NamedTuple):
    """One OSC message, incoming or outgoing."""

    address: str
    arguments: tuple[Argument, ...] = ()


class Parameter(NamedTuple):
    """One positional argument of a request, a reply or a push."""

    type: str
    name: str
    optional: bool

    def value(self, argument: Argument) -> str | int | float:
        """Converts an argument of a message from the bridge to this parameter's type.

        Raises:
            TypeError, ValueError: the argument does not have that type.
        """
        if not isinstance(argument, str if self.type == "s" else (int, float)):
            raise TypeError(f"{self.name} is {argument!r}")
        return _TYPES[self.type](argument)


@dataclass(frozen=True)
class Outgoing:
    """An address that the bridge sends; calling it makes a message with arguments of the right types."""

    address: str
    signature: str
    help: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return parameters(self.signature)

    def __call__(self, *values: str | float) -> Message:
        """Raises TypeError, ValueError: the values do not match the signature, which is a programming error."""
        if len(values) != len(self.parameters):
            raise TypeError(f"{self.address} takes {self.signature}, not {values!r}")
        typed = (_TYPES[parameter.type](value) for parameter, value in zip(self.parameters, values, strict=True))
        return Message(self.address, tuple(typed))


@dataclass(frozen=True)
class Request:
    """An address that the bridge accepts."""

    address: str
    signature: str
    replies: tuple[Outgoing, ...]
    """The reply's messages, in order; those between the first and the last are repeated for each entry of a list."""
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


#: How many clips one answer about a group holds; more would overflow a client's socket.
CLIPS_IN_A_PAGE = 16

_TYPES: dict[str, type[str] | type[int] | type[float]] = {"s": str, "i": int, "f": float}

HELLO = "/sab/hello"
HELLO_REPLY = Outgoing(
    "/sab/hello.reply", "i:protocol s:version s:server i:client_id", "The server's name and versions."
)
PONG = Outgoing("/sab/pong", "s:token", "The server is running.")
STATUS_REPLY = Outgoing(
    "/sab/status.reply", "i:queued i:running s:engine s:device s:midi_backend s:computing", "What the bridge is doing."
)
DONE_SUBSCRIBE = Outgoing("/sab/done", "s:request i:client_id", "The subscription was changed.")
DONE = Outgoing("/sab/done", "s:request s:job", "It is done.")
ACCEPTED = Outgoing("/sab/accepted", "s:req s:job i:queue_position", "The job is in the queue; at 0 it starts at once.")
LIST_BEGIN = Outgoing("/sab/list.begin", "i:n", "The number of jobs that follow.")
JOB = Outgoing("/sab/job", "s:job s:state f:progress s:name", "One job.")
JOB_GROUP = Outgoing(
    "/sab/job.group",
    "s:job s:group i:position s:group_id",
    "The group that a job belongs to, by its client's name and by an id that is never used twice. Position 2 is the "
    "second clip that the client sent for this group.",
)
LIST_END = Outgoing("/sab/list.end", "", "End of the list.")
MODELS_BEGIN = Outgoing("/sab/models.begin", "i:n", "The number of models that follow.")
MODEL = Outgoing("/sab/model", "s:name i:stems i:present s:note", "One model; present is 1 if it needs no download.")
MODELS_END = Outgoing("/sab/models.end", "", "End of the list.")

GROUP_BEGIN = Outgoing(
    "/sab/group.begin", "s:group i:clips i:n s:group_id", "The number of clips in the group, and of those that follow."
)
GROUP_CLIP = Outgoing(
    "/sab/group.clip",
    "s:group i:position s:job s:state f:progress s:name s:output_dir",
    "One clip of a group.",
)
GROUP_RESULT = Outgoing(
    "/sab/group.result",
    "s:group i:position s:kind s:name s:path f:seconds i:sample_rate",
    "One file of that clip, as `/sab/result` tells it.",
)
GROUP_END = Outgoing(
    "/sab/group.end", "s:group i:next", "End of the list; next is the position to ask for next, 0 after the last clip."
)

STARTUP = Outgoing(
    "/sab/startup", "s:version", "The server has started. What you had subscribed to and followed goes on."
)
NONCE = Outgoing(
    "/sab/nonce",
    "s:nonce",
    "The bridge asks you to show that you may ask: say hello again with the proof for this nonce (docs/security.md).",
)
BYE = Outgoing("/sab/bye", "s:version", "The server is shutting down; this is its last message.")
PROGRESS = Outgoing(
    "/sab/progress",
    "s:job s:stage f:fraction f:eta_seconds",
    "Progress of a job; the stage is queued, loading, separating, transcribing or writing; an eta of -1 is unknown. "
    "At most 5 a second for each job. A job whose process died, or whose bridge was closed, begins again at queued "
    "and 0.",
)
RESULT = Outgoing(
    "/sab/result",
    "s:job s:kind s:name s:path f:seconds i:sample_rate",
    "One file is complete on disk. Its kind is stem, midi, notes (a table), picture, chords, score or dawproject; name "
    "is the stem (or an opposite, such as instrumental, or with the option kit a part of the drums: kick, snare, toms, "
    "hats, cymbals), or all for a file with the notes of all stems; the sample rate is 0 except for stems.",
)
MUSIC = Outgoing(
    "/sab/music",
    "s:job f:tempo s:source f:confidence f:first_beat s:key f:margin",
    "Tempo and key of the notes: quarter notes per minute; the source of the tempo (given, estimated or default); the "
    "confidence of an estimate (0 to 1); the seconds to the first beat; the key, such as Bb major, empty if unknown; "
    "and its margin over the second-best key (0 to 1).",
)
TEMPO = Outgoing(
    "/sab/tempo",
    "s:job f:tempo s:time_signature f:share",
    "A runner-up of the tempo in `/sab/music`, sent after it: half and double of it, then what was weighed beside it, "
    "most probable first. The share is its probability (0 to 1). A job for the notes alone (`stems none`) with this "
    "`tempo` and `time-signature` reads them again, from the cache.",
)
FINISHED = Outgoing(
    "/sab/finished",
    "s:job s:outcome i:results s:output_dir",
    "A job has ended (done, failed or cancelled), with the number of files it has written.",
)
GROUP = Outgoing(
    "/sab/group",
    "s:group i:clips i:ended f:fraction s:state s:group_id",
    "Progress of a group: how many clips it has, and how many of them are over; the fraction covers all clips, never "
    "falls and is 1 at the end; the state is queued, running, or how the group ended.",
)
GROUP_FINISHED = Outgoing(
    "/sab/group.finished",
    "s:group s:outcome i:clips i:done i:failed i:cancelled s:group_id",
    "All clips of a group are over; comes once. The outcome is done if all are done, failed if some failed, else "
    "cancelled.",
)
REMOVED = Outgoing("/sab/removed", "s:job", "A job that is over was taken off the list; its files stay.")
RESTORED = Outgoing("/sab/restored", "s:job", "A job that was taken off the list is on it again.")
WARNING = Outgoing("/sab/warning", "s:job s:code s:message", "A problem that did not stop the job.")
FAIL = Outgoing(
    "/sab/fail",
    "s:address s:code s:message s:req_or_job",
    "The message to that address was rejected; or, with `/sab/submit` and a job, the job failed.",
)
MIDI_WAIT = Outgoing(
    "/sab/midi.wait", "s:job s:stem s:sync", "The notes of a stem are armed and wait for the DAW (clock, jack, link)."
)
HORIZON = Outgoing(
    "/sab/horizon",
    "s:job f:seconds",
    "How much of a running job with `play live` can be played already, in seconds from the clip's start.",
)
PREVIEW = Outgoing(
    "/sab/preview",
    "s:job s:stem s:path i:sample_rate i:channels",
    "A stem of a running job with `play live`, as a WAV file of 32-bit floats that grows and is gone when the job "
    "ends; comes once for each stem, before the first `/sab/horizon`. What it holds beyond the horizon may still come.",
)
MIDI_DELAY = Outgoing(
    "/sab/midi.delay",
    "s:job f:seconds",
    "The job of a `play live` with `sync now` is slower than its notes would play: they start in about so many "
    "seconds, so that they never run out. Comes once.",
)
MIDI_START = Outgoing(
    "/sab/midi.start",
    "s:job s:stem f:seconds i:notes",
    "The notes of a stem start to play; with `play live`, how long they last and how many they are as far as is known.",
)
MIDI_STARVED = Outgoing(
    "/sab/midi.starved",
    "s:job s:stem f:seconds",
    "The notes of a stem that play while they are computed have reached what is known: silence, until more is. Comes "
    "once each time.",
)
MIDI_POSITION = Outgoing(
    "/sab/midi.position",
    "s:job s:stem f:seconds",
    "The position of a stem, from the start of its notes; negative before it. At most 5 a second for each stem.",
)
MIDI_END = Outgoing(
    "/sab/midi.end",
    "s:job s:stem s:outcome f:late_p50_ms f:late_p99_ms f:late_worst_ms i:missed",
    "Playback of a stem has ended (finished, stopped or failed), with the lateness of its messages at the port, and "
    "how many notes were silent because they became known too late. "
    "If it follows a DAW and stays armed, `/sab/midi.wait` comes next.",
)

PUSHES: tuple[Outgoing, ...] = (
    STARTUP, NONCE, BYE, PROGRESS, RESULT, MUSIC, TEMPO, FINISHED, JOB_GROUP, GROUP, GROUP_FINISHED, REMOVED, RESTORED,
    WARNING, FAIL, PREVIEW, HORIZON, MIDI_WAIT, MIDI_DELAY, MIDI_START, MIDI_STARVED, MIDI_POSITION, MIDI_END,
)  # fmt: skip

REQUESTS: dict[str, Request] = {
    request.address: request
    for request in (
        Request(
            HELLO,
            "s:client i:protocol [i:reply_port] [s:proof]",
            (HELLO_REPLY,),
            "Introduces your client; reply_port is the port you listen on; 0 or left out: the port you send from; "
            "proof answers `/sab/nonce`.",
        ),
        Request("/sab/ping", "[s:token]", (PONG,), "Checks that the server is running; keeps a subscription alive."),
        Request("/sab/status", "", (STATUS_REPLY,), "Returns what the bridge is doing."),
        Request(
            "/sab/subscribe",
            "b:on [i:ttl_seconds]",
            (DONE_SUBSCRIBE,),
            "Starts or stops the pushes of all jobs; the first pushes give the state of every live job.",
        ),
        Request(
            "/sab/submit",
            "s:path",
            (ACCEPTED,),
            "Queues a job for one audio file.",
            keys=(*OPTIONS, "req"),
        ),
        Request("/sab/cancel", "s:job", (DONE,), "Cancels a job; `*`: all jobs that you submitted."),
        Request("/sab/list", "", (LIST_BEGIN, JOB, JOB_GROUP, LIST_END), "Lists every job, oldest first."),
        Request("/sab/query", "s:job", (JOB, JOB_GROUP, RESULT), "Returns one job and the files it has written."),
        Request(
            "/sab/group.results",
            "s:group [i:first]",
            (GROUP_BEGIN, GROUP_CLIP, GROUP_RESULT, GROUP_END),
            "Returns the clips of a group and their files in the group's order, from position `first` on, "
            f"{CLIPS_IN_A_PAGE} clips at a time.",
        ),
        Request("/sab/group.cancel", "s:group", (DONE,), "Cancels every clip of a group that is not over."),
        Request(
            "/sab/play",
            "s:job [s:stem]",
            (DONE,),
            "Plays the notes of a finished job into the MIDI ports, of one stem or of all.",
            keys=("sync", "req"),
        ),
        Request("/sab/stop", "[s:job]", (DONE,), "Stops playback of one job, or of all."),
        Request("/sab/panic", "", (DONE,), "Silences every note on every port."),
        Request(
            "/sab/open",
            "s:job",
            (DONE,),
            "Shows the folder with the files of a job, in a window on the bridge's computer; only for programs there.",
        ),
        Request("/sab/models", "", (MODELS_BEGIN, MODEL, MODELS_END), "Lists the separation models."),
    )
}
"""Every address that the bridge accepts."""

OUTGOING: tuple[Outgoing, ...] = tuple(
    dict.fromkeys([*(reply for request in REQUESTS.values() for reply in request.replies), *PUSHES])
)
"""Every message that the bridge sends, replies before pushes."""

#: The addresses of messages that tell where a file or folder is; only these may be 1 KiB or larger.
WITH_PATHS = frozenset(
    outgoing.address
    for outgoing in OUTGOING
    if not {"path", "output_dir"}.isdisjoint(parameter.name for parameter in outgoing.parameters)
)

#: The codes of `/sab/fail`, each with its advice.
FAIL_CODES: dict[str, str] = ADVICE

_SENT_ADDRESSES = frozenset(outgoing.address for outgoing in OUTGOING)


def is_answer(address: str) -> bool:
    """Whether a message is an answer, from this bridge or another OSC program: `/done`, `/live/error`, `/x.reply`.

    Answers are never answered: two servers that reject each other's rejections would never stop.
    """
    return address in _SENT_ADDRESSES or re.search(r"(/(done|error|fail|late)|[./]reply)$", address) is not None
