"""What each address does: one small function for each row of `addresses.REQUESTS`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from bridge import PROTOCOL_VERSION, __version__
from bridge.errors import BadArguments, ProtocolMismatch
from bridge.model import Status
from bridge.options.request import build_request
from bridge.options.table import OPTIONS
from bridge.osc import addresses as osc
from bridge.osc import pushes
from bridge.osc.addresses import Message
from bridge.osc.arguments import Arguments
from bridge.osc.subscribers import DEFAULT_TTL_SECONDS, Client, Clients, Endpoint
from bridge.protocols import Bridge
from bridge.request import JobRequest

SERVER_NAME = "source-audio-bridge"
MAX_TTL_SECONDS = 86_400


@dataclass(frozen=True)
class ServerContext:
    """What the handlers have at hand."""

    bridge: Bridge
    clients: Clients
    defaults: JobRequest
    """What a job gets where its client leaves an option out."""


@dataclass(frozen=True)
class Call:
    """One request that waits for its answer."""

    desk: ServerContext
    source: Endpoint
    client: Client
    arguments: Arguments

    @property
    def job(self) -> str:
        return self.arguments.strings["job"]


#: The replies, in order; or, where the bridge needs time, what they are awaited from.
Handler: TypeAlias = Callable[[Call], "list[Message] | Awaitable[list[Message]]"]


def hello(call: Call) -> list[Message]:
    client = call.desk.clients.announced(call.source, _port(call.arguments.numbers["reply_port"]))
    spoken = call.arguments.numbers["protocol"]
    if spoken != PROTOCOL_VERSION:
        raise ProtocolMismatch(f"You speak protocol {spoken}, and this bridge {PROTOCOL_VERSION}.")
    return [osc.HELLO_REPLY(PROTOCOL_VERSION, __version__, SERVER_NAME, client.id)]


def ping(call: Call) -> list[Message]:
    return [osc.PONG(call.arguments.strings["token"])]


def status(call: Call) -> list[Message]:
    return [status_reply(call.desk.bridge.status())]


def subscribe(call: Call) -> list[Message]:
    numbers = call.arguments.numbers
    ttl_seconds = numbers["ttl_seconds"] or DEFAULT_TTL_SECONDS
    if not 1 <= ttl_seconds <= MAX_TTL_SECONDS:
        raise BadArguments(f"ttl_seconds must be between 1 and {MAX_TTL_SECONDS}, not {ttl_seconds}.")
    client = call.client
    done = osc.DONE_SUBSCRIBE("/sab/subscribe", client.id)
    if not numbers["on"]:
        client.unsubscribe()
        return [done]
    client.subscribe(ttl_seconds)
    live = (job for job in call.desk.bridge.jobs() if not job.is_over)
    return [done, *(message for job in live for message in pushes.state(job))]


def submit(call: Call) -> Awaitable[list[Message]]:
    desk, arguments = call.desk, call.arguments
    return _submitted(call, build_request(arguments.strings["path"], arguments.options, desk.defaults))


async def _submitted(call: Call, request: JobRequest) -> list[Message]:
    owner = call.client.owner
    cancellations = owner.cancellations
    job, position = await call.desk.bridge.submit(request, sender=str(owner.id))
    call.desk.clients.of(call.source).submitted(job.id)  # where it listens by now
    if owner.cancellations != cancellations:
        call.desk.bridge.cancel(job.id)
    return [osc.ACCEPTED(call.arguments.req, job.id, position)]


def cancel(call: Call) -> list[Message]:
    if call.job == "*":
        call.client.owner.cancellations += 1  # what it has asked for and is still being looked at counts too
    for job in sorted(call.client.own_jobs) if call.job == "*" else [call.job]:
        call.desk.bridge.cancel(job)
    return [osc.DONE("/sab/cancel", call.job)]


def list_jobs(call: Call) -> list[Message]:
    jobs = call.desk.bridge.jobs()
    entries = (osc.JOB(job.id, job.state, job.fraction, job.name) for job in jobs)
    return [osc.LIST_BEGIN(len(jobs)), *entries, osc.LIST_END()]


def query(call: Call) -> list[Message]:
    job = call.desk.bridge.job(call.job)
    return [
        osc.JOB(job.id, job.state, job.fraction, job.name),
        *(pushes.result(job.id, produced) for produced in job.results),
    ]


async def play(call: Call) -> list[Message]:
    written = call.arguments.options.get("sync")
    sync = None if written is None else str(OPTIONS["sync"].read(written))
    stem = call.arguments.strings["stem"].lower()
    await call.desk.bridge.play(call.job, None if stem in ("", "all") else (stem,), sync)
    return [osc.DONE("/sab/play", call.job)]


def stop(call: Call) -> list[Message]:
    call.desk.bridge.stop(None if call.job in ("", "*") else call.job)
    return [osc.DONE("/sab/stop", call.job)]


def panic(call: Call) -> list[Message]:
    call.desk.bridge.panic()
    return [osc.DONE("/sab/panic", "")]


async def models(call: Call) -> list[Message]:
    known = await call.desk.bridge.models()
    entries = (osc.MODEL(model.name, len(model.stems), model.present, model.note) for model in known)
    return [osc.MODELS_BEGIN(len(known)), *entries, osc.MODELS_END()]


HANDLERS: dict[str, Handler] = {
    "/sab/hello": hello,
    "/sab/ping": ping,
    "/sab/status": status,
    "/sab/subscribe": subscribe,
    "/sab/submit": submit,
    "/sab/cancel": cancel,
    "/sab/list": list_jobs,
    "/sab/query": query,
    "/sab/play": play,
    "/sab/stop": stop,
    "/sab/panic": panic,
    "/sab/models": models,
}


def status_reply(now: Status) -> Message:
    return osc.STATUS_REPLY(now.queued, now.running, now.engine, now.device, now.midi.backend)


def _port(number: int) -> int:
    if not 0 <= number <= 65_535:
        raise BadArguments(f"reply_port must be between 1 and 65535, not {number}.")
    return number
