"""Socket addresses as text, and server sockets that accept IPv4 and IPv6."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket
from contextlib import suppress
from typing import Any

#: Wildcard host, on which a server is reachable at all addresses → loopback host that reaches it locally.
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - written, not bound
#: Prefix of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
MAPPED_PREFIX = "::ffff:"
BACKLOG = 32


def address(host: str, port: int) -> str:
    """`::1`, `9720` → `[::1]:9720`; an IPv6 address gets brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url(scheme: str, host: str, port: int) -> str:
    """`osc.udp`, `::1`, `9720` → `osc.udp://[::1]:9720`."""
    return f"{scheme}://{address(host, port)}"


def local_host(host: str) -> str:
    """The host under which local programs reach a server that listens on `host`."""
    return ANY_ADDRESS.get(host, host)


def plain_address(host: str) -> str:
    """A numeric address, as a socket reports it, without the prefix of mapped IPv4 addresses and without its zone."""
    return host.removeprefix(MAPPED_PREFIX).partition("%")[0]


def is_loopback(host: str) -> bool:
    """Whether a numeric address, as a socket reports it, is one of this computer for itself."""
    try:
        return ipaddress.ip_address(plain_address(host)).is_loopback
    except ValueError:
        return False


def host_in_family(family: int, host: str) -> str:
    """A numeric address as a socket of that family reports it: dual-stack IPv6 sockets map IPv4 to `::ffff:…`."""
    if family == socket.AF_INET6:
        return host if ":" in host else MAPPED_PREFIX + host
    return host.removeprefix(MAPPED_PREFIX)


async def server_socket(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A bound, non-blocking server socket for UDP (`SOCK_DGRAM`) or TCP (`SOCK_STREAM`, already listening).

    On `::` it accepts IPv4 too, whatever the system's default.

    Args:
        port: 0: any free one.

    Raises:
        OSError, OverflowError, UnicodeError: the host does not exist, or the port is taken or out of range.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host or None, port, type=kind)
    failure = OSError(f"There is no address {host}.")
    for family, *_, address in found:
        try:
            return _bind(family, kind, address)
        except OSError as error:  # the next address may work, as 127.0.0.1 after ::1 for localhost
            failure = error
    raise failure


def _bind(family: int, kind: socket.SocketKind, address: tuple[Any, ...]) -> socket.socket:
    server = socket.socket(family, kind)
    try:
        if address[0] == "::":
            with suppress(OSError):  # OpenBSD has no dual-stack sockets
                server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if kind is socket.SOCK_STREAM and os.name == "posix":  # on Windows it would let two programs share the port
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(address)
        if kind is socket.SOCK_STREAM:
            server.listen(BACKLOG)
        server.setblocking(False)
    except BaseException:
        server.close()
        raise
    return server
