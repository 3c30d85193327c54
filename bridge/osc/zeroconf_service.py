"""Announces the bridge on the network by zeroconf (DNS-SD), as `_osc._udp` and `_oscjson._tcp`."""

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

if TYPE_CHECKING:  # loaded only when the bridge is announced
    from zeroconf import ServiceInfo
    from zeroconf.asyncio import AsyncZeroconf

OSC_TYPE = "_osc._udp.local."
OSCQUERY_TYPE = "_oscjson._tcp.local."
#: The limit of a DNS label (RFC 1035, 2.3.4); a service's name is one label (RFC 6763, 4.1.1).
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
    """Announces the bridge for as long as the context lasts; if that fails, `notice` receives a warning.

    A bridge that only this computer can reach is not announced, because announcements go to other computers.

    Args:
        host: the address that the bridge listens on; `0.0.0.0` and `::` mean every address of the computer.
        http_port: None: no HTTP server.
        interfaces: addresses of the interfaces to announce on; empty: those that reach the bridge.
    """
    zeroconf: AsyncZeroconf | None = None
    reason = f"other computers do not reach the bridge on {host}. Set host, as --host 0.0.0.0"
    try:
        addresses = list(interfaces) or await _reachable(host)
        if addresses:
            from zeroconf.asyncio import AsyncZeroconf

            zeroconf = AsyncZeroconf(interfaces=addresses)
    except (ImportError, OSError) as error:
        reason = str(error)
    if zeroconf is None:
        notice(Noticed(level="warning", message=f"Not announced: {reason}."))
        yield
        return
    registering = asyncio.create_task(_register(zeroconf, services(addresses, osc_port, http_port), notice))
    try:
        yield
    finally:
        registering.cancel()
        await asyncio.gather(registering, return_exceptions=True)
        await zeroconf.async_close()  # sends a goodbye, so that other computers drop the service at once


def services(addresses: Sequence[str], osc_port: int, http_port: int | None) -> list[ServiceInfo]:
    """The services to announce; zeroconf changes a name that another computer already uses."""
    from zeroconf import ServiceInfo

    computer = socket.gethostname().split(".")[0] or "computer"
    name = _label(f"Source Audio Bridge on {computer}")
    # Not the computer's own host name, which belongs to the system's responder.
    server = _label("source-audio-bridge-" + re.sub(r"[^A-Za-z0-9-]", "-", f"{osc_port}-{computer}")) + ".local."
    ports = {OSC_TYPE: osc_port} if http_port is None else {OSC_TYPE: osc_port, OSCQUERY_TYPE: http_port}
    properties = {"txtvers": "1", "protocol": str(PROTOCOL_VERSION), "version": __version__}
    return [
        ServiceInfo(
            kind, f"{name}.{kind}", port=port, properties=properties, server=server, parsed_addresses=list(addresses)
        )
        for kind, port in ports.items()
    ]


async def _register(zeroconf: AsyncZeroconf, infos: Sequence[ServiceInfo], notice: Callable[[Noticed], None]) -> None:
    """Takes about a second, because zeroconf first checks that the names are free."""
    from zeroconf import Error

    try:
        for service in infos:
            await (await zeroconf.async_register_service(service, allow_name_change=True))
    except (Error, OSError) as error:
        notice(Noticed(level="warning", message=f"Not announced: {type(error).__name__} {error}."))


async def _reachable(host: str) -> list[str]:
    """The addresses under which other computers reach a server that listens on `host`."""
    if host in sockets.ANY_ADDRESS:
        import ifaddr

        addresses = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    else:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
        except OSError:
            return []
        addresses = [str(address[0]).split("%")[0] for *_, address in found]
    return [address for address in dict.fromkeys(addresses) if not ipaddress.ip_address(address).is_loopback]


def _label(text: str) -> str:
    """`text` as one DNS label: without dots, and not too long."""
    return text.replace(".", "-").encode()[:MAX_LABEL_BYTES].decode("utf-8", "ignore")
