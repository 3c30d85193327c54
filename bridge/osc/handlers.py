"""The handler of each address: one small function for each row of `addresses.REQUESTS`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from bridge import PROTOCOL_VERSION, __version__
from bridge.connections.wire import shortened
from bridge.errors import BadArguments, Busy, NotFound, ProtocolMismatch
from bridge.groups.group import Group, unknown_group
from bridge.model import Job, Status
from bridge.options.request import build_request
from bridge.options.table import OPTIONS
from bridge.osc import addresses as osc
from bridge.osc import pushes
from bridge.osc.addresses import Message
from bridge.osc.arguments import Arguments
from bridge.osc.peers import DEFAULT_TTL_SECONDS, Peer, Peers
from bridge.osc.traffic.endpoints import Endpoint, is_local
from bridge.processes.show_folder import show_folder
from bridge.protocols import Bridge
from bridge.request import JobRequest

SERVER_NAME = "source-audio-bridge"
#: Clients have asked for as much as a day; what they get is limited in `Peers`.
LONGEST_TTL_SECONDS = 86_400
LONGEST_CLIENT_NAME = 40
#: Windows that may be opening; a flood of requests must not bury the desktop.
MAX_SHOWN_AT_ONCE = 4


@dataclass(frozen=True)
class ServerContext:
    """What all handlers share."""

    bridge: Bridge
    peers: Peers
    defaults: JobRequest
    """What a job gets if its client leaves an option out."""
    show_folder: Callable[[str, Sequence[str]], Awaitable[None]] = show_folder
    showing: list[str] = field(default_factory=list)
    """The jobs whose folders are being shown."""


@dataclass(frozen=True)
class Call:
    """One request to be answered."""

    context: ServerContext
    source: Endpoint
    peer: Peer
    arguments: Arguments

    @property
    def job(self) -> str:
        return self.arguments.strings["job"]


#: Returns the replies, in order; or, where the bridge needs time, an awaitable of them. Replies that may be many are
#: made as they are sent.
Handler: TypeAlias = Callable[[Call], "Iterable[Message] | Awaitable[list[Message]]"]


def hello(call: Call) -> list[Message]:
    peer = call.context.peers.announce(call.source, _port(call.arguments.numbers["reply_port"]))
    peer.name = shortened(call.arguments.strings["client"].strip(), LONGEST_CLIENT_NAME)
    protocol = call.arguments.numbers["protocol"]
    if protocol != PROTOCOL_VERSION:
        raise ProtocolMismatch(f"You speak protocol {protocol}, and this bridge {PROTOCOL_VERSION}.")
    return [osc.HELLO_REPLY(PROTOCOL_VERSION, __version__, SERVER_NAME, peer.id)]


def ping(call: Call) -> list[Message]:
    return [osc.PONG(call.arguments.strings["token"])]


def status(call: Call) -> list[Message]:
    return [status_reply(call.context.bridge.status())]


def subscribe(call: Call) -> Iterable[Message]:
    numbers = call.arguments.numbers
    ttl_seconds = numbers["ttl_seconds"] or DEFAULT_TTL_SECONDS
    if not 1 <= ttl_seconds <= LONGEST_TTL_SECONDS:
        raise BadArguments(f"ttl_seconds must be between 1 and {LONGEST_TTL_SECONDS}, not {ttl_seconds}.")
    peer = call.peer
    done = osc.DONE_SUBSCRIBE("/sab/subscribe", peer.id)
    if not numbers["on"]:
        peer.unsubscribe()
        return [done]
    call.context.peers.subscribe(peer, ttl_seconds)
    bridge = call.context.bridge
    jobs = (message for job in bridge.jobs() if not job.is_over for message in pushes.state(job))
    groups = (pushes.group_progress(group) for group in bridge.groups() if not group.is_over)
    return chain([done], jobs, groups)


def submit(call: Call) -> Awaitable[list[Message]]:
    context, arguments = call.context, call.arguments
    context.peers.check_room(call.peer)
    request = build_request(arguments.strings["path"], arguments.options, context.defaults)
    return _submit(call, request, call.peer.cancellations)


async def _submit(call: Call, request: JobRequest, cancellations: int) -> list[Message]:
    sender = call.peer
    job, position = await call.context.bridge.submit(
        request, sender=str(sender.owner.id), origin=sender.owner.name or "OSC"
    )
    peer = call.context.peers.of(call.source)  # it may have announced another port meanwhile
    peer.add_job(job.id, job.request.group.name, job.group_id)
    if sender.cancellations != cancellations:
        call.context.bridge.cancel(job.id)
    return [osc.ACCEPTED(call.arguments.req, job.id, position)]


def cancel(call: Call) -> Awaitable[list[Message]]:
    if call.job == "*":
        call.peer.cancellations += 1  # also cancels submissions whose file is still being checked
        jobs = sorted(call.peer.jobs)
    else:
        jobs = [call.context.bridge.job(call.job).id]
    return _cancel(call, jobs, osc.DONE("/sab/cancel", call.job))


async def _cancel(call: Call, jobs: Sequence[str], answer: Message) -> list[Message]:
    if jobs:
        await call.context.bridge.cancel_all(jobs)
    return [answer]


def list_jobs(call: Call) -> Iterable[Message]:
    jobs = call.context.bridge.jobs()
    entries = (message for job in jobs for message in pushes.job_entry(job))
    return chain([osc.LIST_BEGIN(len(jobs))], entries, [osc.LIST_END()])


def query(call: Call) -> list[Message]:
    job = call.context.bridge.job(call.job)
    return [*pushes.job_entry(job), *(pushes.result(job.id, produced) for produced in job.results)]


def group_results(call: Call) -> list[Message]:
    group = _named_group(call)
    first = call.arguments.numbers["first"]
    page = [job for job in group.jobs if job.position >= first][: osc.CLIPS_IN_A_PAGE]
    following = page[-1].position + 1 if page and page[-1] is not group.jobs[-1] else 0
    clips = (message for job in page for message in _clip_of_group(group, job))
    return [osc.GROUP_BEGIN(group.name, group.clips, len(page), group.id), *clips, osc.GROUP_END(group.name, following)]


def _clip_of_group(group: Group, job: Job) -> list[Message]:
    clip = osc.GROUP_CLIP(group.name, job.position, job.id, job.state, job.fraction, job.name, job.output_dir)
    files = (
        osc.GROUP_RESULT(
            group.name, job.position, found.kind, found.name, found.path, found.seconds, found.sample_rate_hz
        )
        for found in job.results
    )
    return [clip, *files]


def cancel_group(call: Call) -> Awaitable[list[Message]]:
    name, bridge = call.arguments.strings["group"], call.context.bridge
    try:
        jobs = bridge.close_group(name, sender=str(call.peer.owner.id))
    except NotFound:
        jobs = bridge.close_group(_named_group(call).id)
    return _cancel(call, jobs, osc.DONE("/sab/group.cancel", name))


def _named_group(call: Call) -> Group:
    """The group that the client names: its own of that name, the one with that id, or the newest of that name.

    Raises:
        NotFound: there is none.
    """
    name = call.arguments.strings["group"]
    groups = {group.id: group for group in call.context.bridge.groups()}
    found = groups.get(call.peer.owner.groups.get(name, "")) or groups.get(name)
    if found is None:
        found = next((group for group in reversed(groups.values()) if group.name == name), None)
    if found is None:
        raise unknown_group(name)
    return found


async def play(call: Call) -> list[Message]:
    value = call.arguments.options.get("sync")
    sync = None if value is None else str(OPTIONS["sync"].read(value))
    stem = call.arguments.strings["stem"].lower()
    await call.context.bridge.play(call.job, None if stem in ("", "all") else (stem,), sync)
    return [osc.DONE("/sab/play", call.job)]


def stop(call: Call) -> list[Message]:
    call.context.bridge.stop(None if call.job in ("", "*") else call.job)
    return [osc.DONE("/sab/stop", call.job)]


def panic(call: Call) -> list[Message]:
    call.context.bridge.panic()
    return [osc.DONE("/sab/panic", "")]


async def open_folder(call: Call) -> list[Message]:
    """Only the folder of a job that the bridge knows: no client can name another one."""
    if not is_local(call.source):
        raise BadArguments("Only a program on the bridge's own computer may open a folder there.", advice="")
    job = call.context.bridge.job(call.job)
    if not job.output_dir:
        raise NotFound(f"The job {job.id} has no folder yet.", advice="Wait until it has begun.")
    if len(call.context.showing) >= MAX_SHOWN_AT_ONCE:
        raise Busy("Other folders are being shown.", advice="Try again in a few seconds.")
    call.context.showing.append(job.id)
    try:
        await call.context.show_folder(job.output_dir, [result.path for result in job.results])
    finally:
        call.context.showing.remove(job.id)
    return [osc.DONE("/sab/open", job.id)]


async def models(call: Call) -> list[Message]:
    known = await call.context.bridge.models()
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
    "/sab/group.results": group_results,
    "/sab/group.cancel": cancel_group,
    "/sab/play": play,
    "/sab/stop": stop,
    "/sab/panic": panic,
    "/sab/open": open_folder,
    "/sab/models": models,
}


def status_reply(now: Status) -> Message:
    return osc.STATUS_REPLY(now.queued, now.running, now.engine, now.device, now.midi.backend, now.computing)


def _port(number: int) -> int:
    if not 0 <= number <= 65_535:
        raise BadArguments(f"reply_port must be between 1 and 65535, not {number}.")
    return number
