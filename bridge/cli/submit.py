"""`sab submit` and `sab send`: requests to a running bridge from a shell, or from a script without sockets."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.clips import NamedClips, find_clips, new_group_name
from bridge.cli.output.terminal import write_error, write_line
from bridge.cli.sending.followed_jobs import FollowedJobs, concerns_all_clips
from bridge.cli.sending.submit_list import submit_list
from bridge.config import Settings
from bridge.errors import BadArguments, BridgeError
from bridge.options.paths import absolute_path, current_folder
from bridge.options.readers import listed
from bridge.options.table import OPTIONS
from bridge.osc.access.keys import keys_for
from bridge.osc.addresses import FAIL, Message
from bridge.osc.client import open_client, parse_argument
from bridge.project_paths import result_name

KEYS = (*OPTIONS, "req")

Words = Annotated[
    list[str] | None,
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
Listed = Annotated[
    Path | None,
    typer.Option(
        "--list", help="A file with a JSON object for each clip: its file, and options of its own. For scripts."
    ),
]
Answers = Annotated[
    Path | None, typer.Option("--answers", help="With --list: write the answers into this file, and print nothing.")
]
CalledBy = Annotated[
    str, typer.Option("--client", help="With --list: what the bridge calls the program that asks.", hidden=True)
]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="As /sab/status; docs/osc.md lists them.")]
Arguments = Annotated[list[str] | None, typer.Argument(metavar="[ARG]…", help="Numbers or text.")]


@shared.command
async def submit(
    words: Words = None,
    wait: Wait = False,
    clip_list: Listed = None,
    answers: Answers = None,
    called_by: CalledBy = "sab submit",
    host: shared.Host = None,
    port: shared.Port = None,
    secret_file: shared.SecretFile = None,
) -> int:
    """Submit clips to a running bridge. Prints the names of their jobs.

    Several clips are one group: one progress, and one order.
    """
    settings = shared.settings_from(host=host, port=port, secret_file=secret_file)
    if clip_list is not None:
        if words or wait:
            raise BadArguments("--list names all clips and their options; nothing else goes with it.")
        return await submit_list(settings, clip_list, answers, called_by)
    if not words or answers is not None:
        raise BadArguments("Name a FILE, or several." if not words else "--answers needs --list.")
    _check_no_hyphens(words)
    files, pairs = files_and_pairs(words)
    options = read_pairs(pairs)
    clips = await find_clips(files)
    if clips.is_group:
        return await submit_group(settings, clips, options, wait=wait)
    return await submit_file(settings, str(clips.files[0]), options, wait=wait)


def _check_no_hyphens(words: Sequence[str]) -> None:
    """Raises BadArguments where an option of the job is written as `sab process` takes it: --out FOLDER."""
    for word in words:
        key = word.removeprefix("--").partition("=")[0]
        if word.startswith("--") and key in KEYS and not os.path.lexists(word):
            raise BadArguments(
                f"Options of the job have no hyphens here, and come after the files: {key} VALUE, not {word}.",
                advice="",
            )


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
    async with open_client(settings.host, settings.port, keys_for(settings)) as client:
        client.send("/sab/hello", "sab submit", PROTOCOL_VERSION)
        followed = FollowedJobs(client, prints=wait, waits_for_room=True)
        for file in files:
            own: dict[str, str | float] = {"group": name, "clips": len(files), **_own_folder(Path(file), options)}
            try:
                job = await followed.submit(file, {**options, **own})
            except BridgeError as error:
                if concerns_all_clips(error):
                    raise
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
    async with open_client(settings.host, settings.port, keys_for(settings)) as client:
        client.send("/sab/hello", "sab submit", PROTOCOL_VERSION)
        followed = FollowedJobs(client, prints=wait)
        write_line(await followed.submit(path, options))
        return await followed.finish() if wait else shared.DONE


@shared.command
async def send(
    address: Address,
    arguments: Arguments = None,
    host: shared.Host = None,
    port: shared.Port = None,
    secret_file: shared.SecretFile = None,
) -> int:
    """Send one OSC message to a running bridge and print its answer."""
    if not address.startswith("/"):
        raise BadArguments(f"An OSC address begins with /, not as {address!r}.", advice="docs/osc.md lists them.")
    settings = shared.settings_from(host=host, port=port, secret_file=secret_file)
    async with open_client(settings.host, settings.port, keys_for(settings)) as client:
        client.send("/sab/hello", "sab send", PROTOCOL_VERSION)
        answer = await client.exchange(address, *map(parse_argument, arguments or ()))
    for message in answer:
        write_line(_message_text(message))
    return shared.FAILED if any(message.address == FAIL.address for message in answer) else shared.DONE


def _message_text(message: Message) -> str:
    return " ".join((message.address, *(repr(value) if value == "" else str(value) for value in message.arguments)))
