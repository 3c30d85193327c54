"""`sab quit`: ends the bridge that runs, with or without a screen."""

from __future__ import annotations

import asyncio
import time

from bridge.cli import shared
from bridge.cli.attaching.opening import attached_bridge
from bridge.cli.output.terminal import write_line
from bridge.errors import BridgeError, EngineFailed
from bridge.store.own_folder import FolderInUse, lock_folder, released
from bridge.system.waiting import within

#: A bridge ends its worker and its ports within this time.
END_SECONDS = 30.0
LOOK_SECONDS = 0.1


@shared.command
async def quit_bridge(host: shared.Host = None, port: shared.Port = None, state_dir: shared.StateDir = None) -> int:
    """End the bridge that runs, also one without a screen. Its jobs are kept, and go on at its next start."""
    settings = shared.settings_from(host=host, port=port, state_dir=state_dir)
    async with attached_bridge(settings, is_screen=False) as running:
        running.bridge.ask_to_quit()
        try:
            await within(running.until_ended(), END_SECONDS)
        except asyncio.TimeoutError:
            raise EngineFailed(
                "The bridge does not end.", advice=f"End its process: it has the number {running.facts.process}."
            ) from None
        except BridgeError:
            pass  # it has said goodbye
    until_seconds = time.monotonic() + END_SECONDS
    while time.monotonic() < until_seconds:
        try:
            with released(lock_folder(settings.own_folder)):
                break
        except FolderInUse:
            await asyncio.sleep(LOOK_SECONDS)
    write_line("The bridge has ended. Its jobs are kept, and go on at its next start.")
    return shared.DONE
