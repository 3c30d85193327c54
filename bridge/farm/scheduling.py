"""The scheduler of a farm: where machines and clients meet. It computes nothing and reads no files."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import dask
from distributed import Scheduler, Security

from bridge import __version__
from bridge.errors import EngineFailed
from bridge.farm.access import LOOPBACK
from bridge.farm.connection import MOST_DEATHS, use_dask
from bridge.farm.identity import VERSION_KEY


class FarmScheduler(Scheduler):
    """Dask's scheduler, which also says which version of the bridge it runs with."""

    def identity(self, n_workers: int = -1) -> dict[str, Any]:
        """See `Scheduler.identity`."""
        told = super().identity(n_workers)
        return {**told, VERSION_KEY: __version__}


async def run_scheduler(
    host: str, port: int, security: Security | None, on_ready: Callable[[str], None], ends: asyncio.Event
) -> None:
    """Runs a scheduler until `ends` is set.

    Args:
        host: the address to listen at; empty: loopback.
        on_ready: called with the address for machines and clients.

    Raises:
        EngineFailed: nothing can listen there.
    """
    use_dask()
    dask.config.set({"distributed.scheduler.http.routes": []})
    try:
        scheduler = FarmScheduler(
            host=host or LOOPBACK,
            port=port,
            protocol="tcp://" if security is None else "tls://",
            security=security,
            allowed_failures=MOST_DEATHS - 1,  # Dask fails a task with the death that comes after these
            dashboard=False,
            dashboard_address=f"{LOOPBACK}:0",
        )
        scheduler.http_server.stop()  # Dask has no way to leave it out
        await scheduler
    except (OSError, RuntimeError) as error:  # Dask wraps the one into the other
        cause = error.__cause__ or error
        if not isinstance(cause, OSError):
            raise
        raise EngineFailed(
            f"The farm's scheduler cannot listen at {host or LOOPBACK}:{port} ({cause.strerror or cause}).",
            advice="Another program listens there, or it is no address of this machine: see --host and --port.",
        ) from error
    try:
        on_ready(scheduler.address)
        await ends.wait()
    finally:
        await scheduler.close()
