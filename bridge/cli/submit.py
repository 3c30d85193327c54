"""`sab submit` and `sab send`: requests to a running bridge from a shell, or from a script without sockets."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.output.terminal import write_error, write_line, write_path
from bridge.config import Settings
from bridge.errors import BadArguments
from bridge.events import Ended, Produced, Warned
from bridge.options.paths import absolute_path, current_folder
from bridge.options.table import OPTIONS
from bridge.osc.addresses import ACCEPTED, BYE, FAIL, JOB, Message
from bridge.osc.client import OscClient, open_client, parse_argument
from bridge.osc.fields import arguments_of, event_of

#: After this time without a push, the bridge is queried.
QUIET_SECONDS = 5.0

File = Annotated[Path, typer.Argument(metavar="FILE", help="The song or clip.")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY VALUE]…", help="Options of the job, as: engine draft stems vocals,bass start 12.5"),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job has ended, and print each file.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="As /sab/status; docs/osc.md lists them.")]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="[ARG]…", help="Numbers or text.")]


@shared.command
async def submit(
    file: File,
    pairs: Pairs = None,
    wait: Wait = False,
    host: shared.Host = None,
    port: shared.Port = None,
) -> int:
    """Submit a clip to a running bridge. Prints the job's name."""
    settings = shared.settings_from(host=host, port=port)
    options = read_pairs(pairs or ())
    return await submit_file(settings, absolute_path("FILE", str(file), current_folder()), options, wait=wait)


def read_pairs(words: Sequence[str]) -> dict[str, str | float]:
    """`KEY VALUE` pairs as typed, with relative paths made absolute.

    Raises:
        BadArguments: the last key has no value.
    """
    if len(words) % 2:
        raise BadArguments(f"The option {words[-1]} has no value.", advice="Write KEY VALUE pairs after the file.")
    return {
        key: str(OPTIONS[key].kind.resolved(key, value, current_folder())) if key in OPTIONS else value
        for key, value in zip(words[::2], words[1::2], strict=True)
    }


async def submit_file(settings: Settings, path: str, options: Mapping[str, str | float], *, wait: bool) -> int:
    """Submits a file to the running bridge and prints the job's name, and its files if `wait` is set."""
    token = {"req": secrets.token_hex(4)}  # if the answer is lost, the same request again gets the same job
    atoms = itertools.chain.from_iterable((token | dict(options)).items())
    async with open_client(settings.host, settings.port) as client:
        client.send("/sab/hello", "sab submit", PROTOCOL_VERSION)
        (accepted,) = await client.ask("/sab/submit", path, *atoms)
        job = str(arguments_of(accepted, ACCEPTED)["job"])
        write_line(job)
        return await _follow(client, job) if wait else shared.DONE


@shared.command
async def send(
    address: Address, arguments: Arguments = None, host: shared.Host = None, port: shared.Port = None
) -> int:
    """Send one OSC message to a running bridge and print its answer."""
    if not address.startswith("/"):
        raise BadArguments(f"An OSC address begins with /, not as {address!r}.", advice="docs/osc.md lists them.")
    settings = shared.settings_from(host=host, port=port)
    async with open_client(settings.host, settings.port) as client:
        client.send("/sab/hello", "sab send", PROTOCOL_VERSION)
        answer = await client.exchange(address, *map(parse_argument, arguments or ()))
    for message in answer:
        write_line(_message_text(message))
    return shared.FAILED if any(message.address == FAIL.address for message in answer) else shared.DONE


async def _follow(client: OscClient, job: str) -> int:
    """Prints the job's files until it ends.

    Raises:
        NoAnswer: the bridge does not answer any more.
    """
    while True:
        try:
            push = await asyncio.wait_for(client.next_push(), QUIET_SECONDS)
        except asyncio.TimeoutError:  # is the bridge still running, or was the last push lost?
            state = arguments_of((await client.ask("/sab/query", job))[0], JOB)["state"]
            if state in ("done", "failed", "cancelled"):
                return shared.DONE if state == "done" else shared.FAILED
            continue
        if push.address == BYE.address:
            write_error("engine_failed", "The bridge was shut down before the job was done.")
            return shared.FAILED
        if push.address == FAIL.address and (fail := arguments_of(push, FAIL))["req_or_job"] == job:
            write_error(fail["code"], fail["message"])
        match event_of(push):
            case Produced(job=pushed, result=result) if pushed == job:
                write_path(result.path)
            case Warned(job=pushed, warning=warning) if pushed == job:
                write_error(warning.code, warning.message)
            case Ended(job=pushed, outcome=outcome) if pushed == job:
                return shared.DONE if outcome == "done" else shared.FAILED


def _message_text(message: Message) -> str:
    return " ".join((message.address, *(repr(value) if value == "" else str(value) for value in message.arguments)))
