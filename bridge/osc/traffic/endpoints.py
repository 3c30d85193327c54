"""Where a datagram comes from: its address and port, and the machine behind them."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Any, TypeAlias

from bridge.system import sockets

#: A socket address as asyncio gives it: (host, port), and two more numbers for IPv6.
Endpoint: TypeAlias = tuple[Any, ...]

#: The machine of every loopback address.
THIS_MACHINE = "this machine"


def is_local(endpoint: Endpoint) -> bool:
    """Whether it is a program on the bridge's own machine, whose address nobody else can pretend to have."""
    return sockets.is_loopback(str(endpoint[0]))


def machine_of(endpoint: Endpoint) -> str:
    """What limits for each machine count by.

    All loopback addresses are one machine, and so is an IPv6 network of 64 bits: a machine may use any address of it.
    """
    return _machine(str(endpoint[0]))


@lru_cache(maxsize=4096)
def _machine(host: str) -> str:
    if sockets.is_loopback(host):
        return THIS_MACHINE
    try:
        address = ipaddress.ip_address(sockets.plain_address(host))
    except ValueError:
        return host
    if address.version == 4 or address.is_link_local:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
