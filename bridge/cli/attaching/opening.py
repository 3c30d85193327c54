"""Where a screen gets its bridge from: the one that runs already, or a new one in this process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeAlias
from urllib.parse import urlsplit

from bridge import __version__
from bridge.app import RunningBridge, open_bridge
from bridge.cli import shared
from bridge.cli.output.event_lines import log_event
from bridge.config import USUAL_HOSTS, Settings
from bridge.errors import BadArguments
from bridge.osc.access.keys import beyond_loopback
from bridge.osc.server import CannotListen
from bridge.pipe.client import AttachedBridge, BridgeSilent, attached
from bridge.pipe.doorway import NoBridge
from bridge.store.own_folder import FolderInUse, lock_folder, released

log = logging.getLogger(__name__)

#: How long a bridge that has its port, and not yet its socket, is waited for.
STARTING_SECONDS = 5.0
#: How often a screen without a bridge looks for one.
LOOK_SECONDS = 0.3

NO_BRIDGE = "Start one with `sab` or `sab serve`; --port and --state-dir name another."

Host: TypeAlias = "RunningBridge | AttachedBridge"


@asynccontextmanager
async def logged_bridge(settings: Settings) -> AsyncIterator[RunningBridge]:
    """A bridge in this process, whose events are logged."""
    async with open_bridge(settings) as running:
        log.info("version %s runs at %s", __version__, running.address)
        running.bridge.subscribe(log_event)
        yield running
        log.info("closing")


@asynccontextmanager
async def attached_bridge(settings: Settings, *, is_screen: bool = True) -> AsyncIterator[AttachedBridge]:
    """The bridge that runs with the port and the state folder of these settings. Raises as `pipe.client.attached`."""
    async with AsyncExitStack() as parts:
        try:
            host = await parts.enter_async_context(
                attached(settings.own_folder, is_screen=is_screen, hear_on=settings.hear_on, bell=settings.bell)
            )
        except NoBridge as error:
            raise NoBridge(
                f"No bridge runs on port {settings.port}, as far as {settings.state_dir} knows.", advice=NO_BRIDGE
            ) from error
        yield host


@asynccontextmanager
async def found_or_new_bridge(settings: Settings) -> AsyncIterator[Host]:
    """The bridge that runs already, else a new one.

    Raises:
        BridgeError: the one that runs cannot be attached to, or a new one cannot start.
    """
    async with AsyncExitStack() as parts:
        yield await _found_or_new(settings, parts)


async def _found_or_new(settings: Settings, parts: AsyncExitStack) -> Host:
    until_seconds = time.monotonic() + STARTING_SECONDS
    while True:
        if settings.port:  # without a port of its own, no bridge can be found
            try:
                return await parts.enter_async_context(
                    attached(settings.own_folder, hear_on=settings.hear_on, bell=settings.bell)
                )
            except NoBridge:
                pass
        try:
            return await parts.enter_async_context(logged_bridge(settings))
        except (CannotListen, FolderInUse):
            await asyncio.sleep(LOOK_SECONDS)
            if time.monotonic() > until_seconds or not _is_in_use(settings):
                raise
        # A bridge is just starting, or ending.


def _is_in_use(settings: Settings) -> bool:
    """Whether a bridge has the lock of these settings' folder; else it is a foreign program that has the port."""
    try:
        with released(lock_folder(settings.own_folder)):
            return False
    except FolderInUse:
        return True


@asynccontextmanager
async def awaited_bridge(settings: Settings) -> AsyncIterator[AttachedBridge]:
    """The next bridge that runs, however long that takes."""
    async with AsyncExitStack() as parts:
        while True:
            try:
                host = await parts.enter_async_context(
                    attached(settings.own_folder, hear_on=settings.hear_on, bell=settings.bell)
                )
                break
            except (NoBridge, BridgeSilent):
                await asyncio.sleep(LOOK_SECONDS)
        yield host


def settings_at(settings: Settings, address: str | None) -> Settings:
    """The settings for the bridge at this address: a port, `host:port`, or as `osc.udp://127.0.0.1:9720`.

    Raises:
        BadArguments: it is no address, or one of another computer.
    """
    if address is None:
        return settings
    if address.isdecimal():
        return shared.settings_from(port=int(address), state_dir=settings.state_dir, host=settings.host)
    try:
        parts = urlsplit(address if "://" in address else f"osc.udp://{address}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadArguments(f"This is no address of a bridge: {address}.", advice="Name its port, as 9720.") from error
    if not host or port is None:
        raise BadArguments(f"This is no address of a bridge: {address}.", advice="Name its port, as 9720.")
    if host not in USUAL_HOSTS and beyond_loopback(host):
        raise BadArguments(
            f"A screen is attached on the computer of its bridge, and {host} is another.",
            advice=f"Go there: ssh -t {host} sab tui --connect {port}",
        )
    return shared.settings_from(port=port, host=host, state_dir=settings.state_dir)
