"""How the farm's own processes use Dask: encrypted, without dashboards, and with no memory of their own to watch."""

from __future__ import annotations

import asyncio
import datetime
import logging
import ssl
from pathlib import Path

import dask
from distributed import Security
from distributed.comm.core import connect

from bridge import __version__
from bridge.farm.certificates import WARNING_DAYS, read_certificates
from bridge.plain import plain

log = logging.getLogger(__name__)

#: What only machines with this version of the bridge offer: a task asks for it, so no other gets one.
SONG = f"sab-{__version__}"
#: A song whose machines have died this often fails alone.
MOST_DEATHS = 3
CONNECT_SECONDS = 5.0
#: A longer reason of Dask's is cut.
MAX_REASON = 200


def use_dask() -> None:
    """Settles what the farm needs of Dask, whatever its configuration files say."""
    dask.config.set(
        {
            "distributed.comm.timeouts.connect": f"{CONNECT_SECONDS:g}s",
            "distributed.comm.timeouts.tcp": "30s",
            "distributed.comm.retry.count": 0,
            "distributed.scheduler.worker-ttl": "30s",
            "distributed.scheduler.dashboard.tasks.task-stream-length": 1,
            "distributed.worker.memory.target": False,
            "distributed.worker.memory.spill": False,
            "distributed.worker.memory.pause": False,
            "distributed.worker.memory.terminate": False,
            "distributed.worker.profile.enabled": False,
            "distributed.scheduler.work-stealing": True,
        }
    )
    logging.getLogger("distributed").setLevel(logging.ERROR)


def security_of(bundle: str) -> Security | None:
    """The encryption with the certificates of a file; None: none, because the path is empty.

    Raises:
        BadArguments: the certificates cannot be used.
    """
    if not bundle:
        return None
    now = datetime.datetime.now(datetime.timezone.utc)
    found = read_certificates(Path(bundle), now)
    if (days := found.days_left(now)) <= WARNING_DAYS:
        log.warning("the farm's certificates expire in %d days: sab farm certificates", days)
    return Security(  # type: ignore[no-untyped-call]
        require_encryption=True,
        tls_min_version=ssl.TLSVersion.TLSv1_3,
        tls_ca_file=found.authority,
        **{f"tls_{role}_cert": found.certificate for role in ("client", "scheduler", "worker")},
        **{f"tls_{role}_key": found.key for role in ("client", "scheduler", "worker")},
    )


def unreachable(address: str, error: BaseException) -> str:
    """Why a farm cannot be reached, as a sentence, by what connecting to it has raised."""
    if "certificate" in f"{error}".lower():
        reason = (
            "its certificates are not those of this machine. Copy its farm.pem, and say `sab farm certificates --use`"
        )
    else:
        reason = plain(f"{error}".partition("\n")[0])[:MAX_REASON].rstrip(".") or "it does not answer"
    return f"The farm at {address} cannot be reached: {reason}."


async def problem_of(address: str, security: Security | None) -> str:
    """Tries whether a farm can be reached: why not, a sentence; empty: it can."""
    arguments = {} if security is None else security.get_connection_args("client")  # type: ignore[no-untyped-call]
    try:
        comm = await connect(address, timeout=CONNECT_SECONDS, **arguments)  # type: ignore[no-untyped-call]
    except (OSError, asyncio.TimeoutError) as error:
        return unreachable(address, error)
    await comm.close()
    return ""
