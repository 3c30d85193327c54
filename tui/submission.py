"""Submitting several files at once: each is added or refused on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import PurePath

import msgspec

from bridge.errors import BridgeError
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from bridge.request import GroupChoice
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost


async def submit_paths(
    host: ScreenHost, paths: Sequence[str], on_added: Callable[[str], object]
) -> list[tuple[str, BridgeError]]:
    """Submits a job for each path and calls `on_added` with its id; returns each refused path with the error.

    Several paths are one group, with the name of their folder.
    """
    group = GroupChoice(name=_group_name(paths)) if len(paths) > 1 else GroupChoice()

    async def submit_path(path: str) -> BridgeError | None:
        try:
            with only_bridge_errors():
                request = msgspec.structs.replace(await host.request(path), group=group)
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
