"""Addresses of this computer's sockets: how they are written, and sockets that hear every kind of them."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any

#: What a server listens on to be reached on all of the computer's addresses → how the computer itself reaches it.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - written, not bound
#: RFC 4291, 2.5.5.2.
MAPPED = "::ffff:"
BACKLOG = 32


def url(scheme: str, host: str, port: int) -> str:
    """`osc.udp`, `::1`, `9720` → `osc.udp://[::1]:9720`: the colons of an IPv6 address are not the port's."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def from_here(host: str) -> str:
    """The address under which this computer's own programs reach what listens on `host`."""
    return EVERYWHERE.get(host, host)


def seen_from(family: int, host: str) -> str:
    """A numeric address as sockets of that family name it: IPv6 ones that hear both have `::ffff:` before IPv4's."""
    if family == socket.AF_INET6:
        return host if ":" in host else MAPPED + host
    return host.removeprefix(MAPPED)


async def bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """A socket of a server, for UDP (`SOCK_DGRAM`) or TCP (`SOCK_STREAM`, already listening); not blocking.

    On `::` it hears IPv4 too, whatever the system's own habit is.

    Args:
        port: 0 takes any free one.

    Raises:
        OSError, OverflowError, UnicodeError: there is no such host, the port is taken, or there is none of that number.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host or None, port, type=kind)
    failure = OSError(f"There is no address {host}.")
    for family, *_, address in found:
        try:
            return _bound(family, kind, address)
        except OSError as error:  # the next one may do, as 127.0.0.1 after ::1 for localhost
            failure = error
    raise failure


def _bound(family: int, kind: socket.SocketKind, address: tuple[Any, ...]) -> socket.socket:
    own = socket.socket(family, kind)
    try:
        if address[0] == "::":
            with suppress(OSError):  # OpenBSD never mixes them
                own.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if kind is socket.SOCK_STREAM and os.name == "posix":  # elsewhere it would let two programs share the port
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(address)
        if kind is socket.SOCK_STREAM:
            own.listen(BACKLOG)
        own.setblocking(False)
    except BaseException:
        own.close()
        raise
    return own
