"""Submitting what the form says: each file is added or refused on its own, and the good ones go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

import msgspec

from bridge.errors import BadArguments, BridgeError, TooLong, error_for
from bridge.model import SCREEN
from bridge.options.paths import absolute_path, current_folder
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from bridge.protocols import Bridge
from bridge.request import LIVE, GroupChoice, JobRequest, PlayRequest
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost
from tui.memory import Memory
from tui.screens.add.values import Filled, request_again, shown_options


class Outcome(NamedTuple):
    """What became of the files."""

    added: int
    refused: list[tuple[str, BridgeError]]
    """Each refused path with the reason."""


def options_at_first(host: ScreenHost, memory: Memory) -> dict[str, str]:
    """What the form shows at first: the settings, and over them the last choices."""
    return {**shown_options(host.defaults), **memory.choices.add}


async def submit(host: ScreenHost, filled: Filled, on_added: Callable[[str], object]) -> Outcome:
    """Submits a job for each file, and calls `on_added` with its id.

    A folder stands for its audio files. Several files are one group, with the name of their folder.
    """
    if filled.live_sync is not None and len(filled.paths) > 1:
        error = BadArguments("Only one song can be played live.", advice="Add them one by one.")
        return Outcome(0, [(path, error) for path in filled.paths])
    paths, refused = await _files_of(host, filled.paths)
    if len(paths) > 1:
        looks = await host.bridge.look(paths)
        has_region = "start" in filled.options or "end" in filled.options  # a look is at whole files
        bad = {
            path: error_for(look.refusal.code, look.refusal.message, "")
            for path, look in zip(paths, looks, strict=True)
            if look.refusal is not None and not (has_region and look.refusal.code == TooLong.code)
        }
        refused += bad.items()
        paths = [path for path in paths if path not in bad]
    group = GroupChoice(name=_group_name(paths), clips=len(paths)) if len(paths) > 1 else GroupChoice()

    async def request_of(path: str) -> JobRequest | BridgeError:
        try:
            with only_bridge_errors():
                return msgspec.structs.replace(await _request(host, filled, path), group=group)
        except BridgeError as error:
            return error

    async def submit_request(request: JobRequest | BridgeError) -> BridgeError | None:
        if isinstance(request, BridgeError):
            return request
        try:
            with only_bridge_errors():
                job, _ = await host.bridge.submit(request, origin=SCREEN)
        except BridgeError as error:
            return error
        on_added(job.id)
        return None

    # All requests are there before the first is submitted: the bridge keeps their order, an album's.
    requests = await asyncio.gather(*map(request_of, paths))
    errors = await asyncio.gather(*map(submit_request, requests))
    refused += [(path, error) for path, error in zip(paths, errors, strict=True) if error is not None]
    return Outcome(errors.count(None), refused)


async def _files_of(host: ScreenHost, paths: Sequence[str]) -> tuple[list[str], list[tuple[str, BridgeError]]]:
    """The files as written, with those of each folder in its place; and the folders that have none."""
    files: list[str] = []
    refused: list[tuple[str, BridgeError]] = []
    for path in paths:
        try:
            with only_bridge_errors():
                place, is_folder = await off_loop(lambda path=path: _place_of(path))  # type: ignore[misc]
                files += await host.bridge.clips(place) if is_folder else [place]
        except BridgeError as error:
            refused.append((path, error))
    return files, refused


async def folder_words(bridge: Bridge, written: str) -> str:
    """What a folder stands for; empty for anything else, and where it is said when it is sent."""
    try:
        place, is_folder = await off_loop(lambda: _place_of(written), timeout_seconds=ANSWER_SECONDS)
        songs = len(await bridge.clips(place)) if is_folder else 0
    except (BridgeError, TimeoutError):
        return ""
    return "" if not songs else "1 song" if songs == 1 else f"{songs} songs, one group"


def _place_of(written: str) -> tuple[str, bool]:
    """The absolute path, and whether it is a folder. Raises BadArguments."""
    path = absolute_path("path", written, current_folder())
    return path, Path(path).is_dir()


async def _request(host: ScreenHost, filled: Filled, path: str) -> JobRequest:
    if filled.base is not None:
        plain = await host.request(path)
        request = request_again(filled.base, plain.source, filled.options)
    else:
        request = await host.request(path, filled.options)
    if filled.live_sync is not None:
        request = msgspec.structs.replace(request, play=PlayRequest(when_done=LIVE, sync=filled.live_sync))
    return request


def _group_name(paths: Sequence[str]) -> str:
    folders = {PurePath(path).parent.name for path in paths}
    name = folders.pop() if len(folders) == 1 else ""
    return "".join(sign for sign in name if sign.isprintable()).strip()[:LONGEST_GROUP_NAME] or "clips"
