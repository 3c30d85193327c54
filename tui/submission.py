"""Submitting several files at once: each is added or refused on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bridge.errors import BridgeError
from tui.boundary import only_bridge_errors
from tui.host import ScreenHost


async def submit_paths(
    host: ScreenHost, paths: Sequence[str], on_added: Callable[[str], object]
) -> list[tuple[str, BridgeError]]:
    """Submits a job for each path and calls `on_added` with its id; returns each refused path with the error."""

    async def submit_path(path: str) -> BridgeError | None:
        try:
            with only_bridge_errors():
                job, _ = await host.bridge.submit(await host.request(path))
        except BridgeError as error:
            return error
        on_added(job.id)
        return None

    errors = await asyncio.gather(*map(submit_path, paths))
    return [(path, error) for path, error in zip(paths, errors, strict=True) if error is not None]
