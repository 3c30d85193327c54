"""`sab submit` and `sab send`: requests to a running bridge from a shell, or from a script without sockets."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.clips import NamedClips, find_clips, new_group_name
from bridge.cli.output.terminal import write_error, write_line, write_path
from bridge.config import Settings
from bridge.errors import BadArguments, BridgeError, ProtocolMismatch, QueueFull
from bridge.events import Ended, Produced, Warned
from bridge.options.paths import absolute_path, current_folder
from bridge.options.readers import listed
from bridge.options.table import OPTIONS
from bridge.osc.addresses import ACCEPTED, BYE, FAIL, JOB, Message
from bridge.osc.client import NoAnswer, OscClient, open_client, parse_argument
from bridge.osc.fields import arguments_of, event_of
from bridge.project_paths import result_name

#: After this time without a push, the bridge is queried.
QUIET_SECONDS = 5.0
KEYS = (*OPTIONS, "req")

Words = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE… [KEY VALUE]…",
        help="Songs or clips, or a folder of them; then options, as: engine draft stems vocals,bass start 12.5",
    ),
]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY VALUE]…", help="Options of the job, as: engine draft stems vocals,bass start 12.5"),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the job has ended, and print each file.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="As /sab/status; docs/osc.md lists them.")]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="[ARG]…", help="Numbers or text.")]


@shared.command
async def submit(words: Words, wait: Wait = False, host: shared.Host = None, port: shared.Port = None) -> int:
    """Submit clips to a running bridge. Prints the names of their jobs.

    Several clips are one group: one progress, and one order.
    """
    settings = shared.settings_from(host=host, port=port)
    files, pairs = files_and_pairs(words)
    options = read_pairs(pairs)
    clips = await find_clips(files)
    if clips.is_group:
        return await submit_group(settings, clips, options, wait=wait)
    return await submit_file(settings, str(clips.files[0]), options, wait=wait)


def files_and_pairs(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """The files at the beginning, at least one, and the `KEY VALUE` pairs after them.

    A word after the first is a file if it is no option's name and exists, or looks like a path: it has a separator or
    an ending.
    """

    def is_file(word: str) -> bool:
        return word not in KEYS and (bool(re.search(r"[/\\]|\.\w+$", word)) or os.path.lexists(word))

    count = 1 + len([*itertools.takewhile(is_file, words[1:])])
    return words[:count], words[count:]


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


async def submit_group(settings: Settings, clips: NamedClips, options: Mapping[str, str | float], *, wait: bool) -> int:
    """Submits files to the running bridge as one group, each as soon as there is room in the queue.

    Prints the jobs' names. A file that is refused stops no other.

    Raises:
        BadArguments: an option is wrong; nothing was submitted.
        NoAnswer: the bridge does not answer any more.
    """
    for key, value in options.items():  # what is wrong for every file is told once
        if key not in KEYS:
            raise BadArguments(f"There is no option {key!r}; there are {listed(KEYS)}.")
        if key in OPTIONS:
            OPTIONS[key].read(value)
    options = {key: value for key, value in options.items() if key != "req"}  # each file has a token of its own
    name = str(options.get("group", "")) or new_group_name(clips.folder)
    files, refused = list[str](), False
    for clip in clips.files:
        try:
            files.append(absolute_path("FILE", str(clip)))
        except BadArguments as error:
            refused = True
            write_error(error.code, str(error))
    async with open_client(settings.host, settings.port) as client:
        client.send("/sab/hello", "sab submit", PROTOCOL_VERSION)
        followed = _FollowedJobs(client, prints=wait, waits_for_room=True)
        for file in files:
            own: dict[str, str | float] = {"group": name, "clips": len(files), **_own_folder(Path(file), options)}
            try:
                job = await followed.submit(file, {**options, **own})
            except (NoAnswer, ProtocolMismatch):
                raise
            except BridgeError as error:
                refused = True
                message = str(error)
                write_error(error.code, message if file in message else f"{file}: {message}")
            else:
                write_line(job)
        status = await followed.finish() if wait else shared.DONE
        return shared.FAILED if refused else status


def _own_folder(file: Path, options: Mapping[str, str | float]) -> dict[str, str]:
    """A folder for each clip, in the one that the user named."""
    if not (folder := options.get("out")):
        return {}
    name = options.get("name")
    return {"out": str(Path(str(folder)) / result_name(file, None if name is None else str(name)))}


async def submit_file(settings: Settings, path: str, options: Mapping[str, str | float], *, wait: bool) -> int:
    """Submits a file to the running bridge and prints the job's name, and its files if `wait` is set."""
    async with open_client(settings.host, settings.port) as client:
        client.send("/sab/hello", "sab submit", PROTOCOL_VERSION)
        followed = _FollowedJobs(client, prints=wait)
        write_line(await followed.submit(path, options))
        return await followed.finish() if wait else shared.DONE


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


class _FollowedJobs:
    """The jobs that this command has submitted, and what became of them."""

    def __init__(self, client: OscClient, *, prints: bool, waits_for_room: bool = False) -> None:
        """`prints`: each file is printed as soon as it is complete. `waits_for_room`: a full queue is no error."""
        self._waits_for_room = waits_for_room
        self._client = client
        self._prints = prints
        self._open: list[str] = []
        self._failed = False

    async def submit(self, path: str, options: Mapping[str, str | float]) -> str:
        """The job of a file, once there is room in the queue for it.

        Raises:
            BridgeError: it was refused.
        """
        token = {"req": secrets.token_hex(4)}  # if the answer is lost, the same request again gets the same job
        atoms = [*itertools.chain.from_iterable((token | dict(options)).items())]
        while True:
            try:
                (accepted,) = await self._client.ask("/sab/submit", path, *atoms)
            except QueueFull:
                if not self._waits_for_room:
                    raise
                await self._next()
            else:
                job = str(arguments_of(accepted, ACCEPTED)["job"])
                self._open.append(job)
                return job

    async def finish(self) -> int:
        """Prints the jobs' files until all have ended; returns the exit status.

        Raises:
            NoAnswer: the bridge does not answer any more.
        """
        while self._open:
            if not await self._next():
                write_error("engine_failed", "The bridge was shut down before the job was done.")
                return shared.FAILED
        return shared.FAILED if self._failed else shared.DONE

    async def _next(self) -> bool:
        """Waits for the next push; False: the bridge was shut down."""
        try:
            push = await asyncio.wait_for(self._client.next_push(), QUIET_SECONDS)
        except asyncio.TimeoutError:  # is the bridge still running, or was the last push lost?
            if not self._open:  # the queue is full of other clients' jobs
                return True
            state = arguments_of((await self._client.ask("/sab/query", self._open[0]))[0], JOB)["state"]
            if state in ("done", "failed", "cancelled"):
                self._end(self._open[0], state)
            return True
        if push.address == BYE.address:
            return False
        if push.address == FAIL.address and (fail := arguments_of(push, FAIL))["req_or_job"] in self._open:
            write_error(fail["code"], fail["message"])
        match event_of(push):
            case Produced(job=pushed, result=result) if self._prints and pushed in self._open:
                write_path(result.path)
            case Warned(job=pushed, warning=warning) if pushed in self._open:
                write_error(warning.code, warning.message)
            case Ended(job=pushed, outcome=outcome):
                self._end(pushed, outcome)
        return True

    def _end(self, job: str, outcome: str) -> None:
        if job in self._open:
            self._open.remove(job)
            self._failed = self._failed or outcome != "done"


def _message_text(message: Message) -> str:
    return " ".join((message.address, *(repr(value) if value == "" else str(value) for value in message.arguments)))
