"""Submitting several files at once: each is added or refused on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import PurePath

import msgspec

from bridge.errors import BadArguments, BridgeError
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from bridge.request import LIVE, GroupChoice, PlayRequest
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost


async def submit_paths(
    host: ScreenHost, paths: Sequence[str], on_added: Callable[[str], object], live_sync: str | None = None
) -> list[tuple[str, BridgeError]]:
    """Submits a job for each path and calls `on_added` with its id; returns each refused path with the error.

    Several paths are one group, with the name of their folder.

    Args:
        live_sync: what the notes follow that play live; None: nothing plays. Only one song can.
    """
    if live_sync is not None and len(paths) > 1:
        error = BadArguments("Only one song can be played live.", advice="Add them one by one.")
        return [(path, error) for path in paths]
    group = GroupChoice(name=_group_name(paths)) if len(paths) > 1 else GroupChoice()

    async def submit_path(path: str) -> BridgeError | None:
        try:
            with only_bridge_errors():
                request = msgspec.structs.replace(await host.request(path), group=group)
                if live_sync is not None:
                    request = msgspec.structs.replace(request, play=PlayRequest(when_done=LIVE, sync=live_sync))
                job, _ = await host.bridge.submit(request)
        except BridgeError as error:
            return error
        on_added(job.id)
        return None

    errors = await asyncio.gather(*map(submit_path, paths))
    return [(path, error) for path, error in zip(paths, errors, strict=True) if error is not None]


def _group_name(paths: Sequence[str]) -> str:
    folders = {PurePath(path).parent.name for path in paths}
    name = folders.pop() if len(folders) == 1 else ""
    return "".join(sign for sign in name if sign.isprintable()).strip()[:LONGEST_GROUP_NAME] or "clips"
