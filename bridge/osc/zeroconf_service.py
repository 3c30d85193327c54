"""Lets the bridge be found in the network by zeroconf (DNS-SD), as `_osc._udp` and `_oscjson._tcp`."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bridge import PROTOCOL_VERSION, __version__
from bridge.events import Noticed
from bridge.system import sockets

if TYPE_CHECKING:  # only who announces loads it
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

OSC_TYPE = "_osc._udp.local."
OSCQUERY_TYPE = "_oscjson._tcp.local."
#: A DNS label has no more (RFC 1035, 2.3.4), and a service's name is one (RFC 6763, 4.1.1).
MAX_LABEL_BYTES = 63


@asynccontextmanager
async def announced(
    host: str,
    osc_port: int,
    http_port: int | None,
    *,
    notice: Callable[[Noticed], None],
    interfaces: Sequence[str] = (),
) -> AsyncIterator[None]:
    """Announces the bridge for as long as the context lasts; where that fails, `notice` gets a warning and no more.

    A bridge that only this computer can reach is not announced, for the announcement would go to all others.

    Args:
        host: the address that the bridge listens on; `0.0.0.0` and `::` stand for all of the computer's.
        http_port: None: there is no HTTP.
        interfaces: addresses of the interfaces to announce on; none: those that reach the bridge.
    """
    zeroconf: AsyncZeroconf | None = None
    reason = f"other computers do not reach the bridge on {host}. Set host, as --host 0.0.0.0"
    try:
        own = list(interfaces) or await _reachable(host)
        if own:
            from zeroconf.asyncio import AsyncZeroconf

            zeroconf = AsyncZeroconf(interfaces=own)
    except (ImportError, OSError) as error:
        reason = str(error)
    if zeroconf is None:
        notice(Noticed(level="warning", message=f"Not announced: {reason}."))
        yield
        return
    telling = asyncio.create_task(_tell(zeroconf, services(own, osc_port, http_port), notice))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await zeroconf.async_close()  # says goodbye, so that lists of services forget us at once


def services(addresses: Sequence[str], osc_port: int, http_port: int | None) -> list[ServiceInfo]:
    """What is announced; names that another computer has taken are changed when it comes to that."""
    from zeroconf import ServiceInfo

    computer = socket.gethostname().split(".")[0] or "computer"
    name = _label(f"Source Audio Bridge on {computer}")
    # A name of our own: the computer's belongs to the system's responder.
    server = _label("source-audio-bridge-" + re.sub(r"[^A-Za-z0-9-]", "-", f"{osc_port}-{computer}")) + ".local."
    ports = {OSC_TYPE: osc_port} if http_port is None else {OSC_TYPE: osc_port, OSCQUERY_TYPE: http_port}
    properties = {"txtvers": "1", "protocol": str(PROTOCOL_VERSION), "version": __version__}
    return [
        ServiceInfo(
            kind, f"{name}.{kind}", port=port, properties=properties, server=server, parsed_addresses=list(addresses)
        )
        for kind, port in ports.items()
    ]


async def _tell(zeroconf: AsyncZeroconf, told: Sequence[ServiceInfo], notice: Callable[[Noticed], None]) -> None:
    """It takes a second: names are asked for first."""
    from zeroconf import Error

    try:
        for service in told:
            await (await zeroconf.async_register_service(service, allow_name_change=True))
    except (Error, OSError) as error:
        notice(Noticed(level="warning", message=f"Not announced: {type(error).__name__} {error}."))


async def _reachable(host: str) -> list[str]:
    """The addresses under which other computers reach what listens on `host`."""
    if host in sockets.ANY_ADDRESS:
        import ifaddr

        own = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    else:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError:
            return []
        own = [str(address[0]).split("%")[0] for *_, address in found]
    return [address for address in dict.fromkeys(own) if not ipaddress.ip_address(address).is_loopback]


def _label(text: str) -> str:
    """Without dots, which would end the label, and not too long."""
    return text.replace(".", "-").encode()[:MAX_LABEL_BYTES].decode("utf-8", "ignore")
