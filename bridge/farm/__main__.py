"""`python -m bridge.farm`: holds the connection to a farm for the main process, and ends when that is gone."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from distributed import Security

from bridge.errors import BridgeError
from bridge.farm.carrying.receiving import ReceivingPlace
from bridge.farm.connection import security_of, use_dask
from bridge.farm.messages import (
    Abandon,
    ClientReady,
    Compute,
    FarmClientSettings,
    FarmCommand,
    FarmReport,
    GivenUp,
    StateChanged,
)
from bridge.farm.submitting import Submitter
from bridge.farm.values import FarmState
from bridge.pipeline.cache.store import ResultsCache
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.system.clock import SystemClock

Channel = ParentChannel[FarmClientSettings, FarmCommand, FarmReport]


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    with Channel(FarmClientSettings, FarmCommand) as channel:
        settings = channel.first()
        use_dask()
        try:
            security = security_of(settings.certificates)
        except BridgeError as error:
            return _refuse_all(channel, str(error))
        asyncio.run(_serve(channel, settings, security))
    return 0


async def _serve(channel: Channel, settings: FarmClientSettings, security: Security | None) -> None:
    has_cache = settings.cache_max_bytes > 0
    cache = ResultsCache(Path(settings.cache_dir), settings.cache_max_bytes, SystemClock()) if has_cache else None
    submitter = Submitter(
        settings.address,
        security,
        channel.send,
        patience_seconds=settings.patience_seconds,
        priority=settings.priority,
        place=ReceivingPlace(tuple(map(Path, settings.roots)), cache),
    )
    running = asyncio.ensure_future(submitter.run())
    loop = asyncio.get_running_loop()
    threading.Thread(target=_pass_on, args=(channel, submitter, running, loop), name="commands", daemon=True).start()
    with suppress(asyncio.CancelledError):
        await running


def _pass_on(
    channel: Channel, submitter: Submitter, running: asyncio.Future[None], loop: asyncio.AbstractEventLoop
) -> None:
    """Passes the commands to the event loop, until the main process has gone."""
    while (command := channel.inbox.get()) is not None:
        match command:
            case Compute():
                loop.call_soon_threadsafe(submitter.compute, command)
            case Abandon(job=job):
                loop.call_soon_threadsafe(submitter.abandon, job)
    loop.call_soon_threadsafe(running.cancel)


def _refuse_all(channel: Channel, reason: str) -> int:
    """Gives every job back, because this machine cannot talk to the farm."""
    channel.send(ClientReady())
    channel.send(StateChanged(state=FarmState(problem=reason)))
    while (command := channel.inbox.get()) is not None:
        if isinstance(command, Compute):
            channel.send(GivenUp(job=command.job, reason=reason))
    return 0


if __name__ == "__main__":
    sys.exit(main())
