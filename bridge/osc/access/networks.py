"""The computers that may ask, as the setting `allow` lists them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeAlias

from bridge.system import sockets

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(written: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks, as `192.168.1.20` and `192.168.1.0/24`. Raises ValueError."""
    return tuple(ipaddress.ip_network(one.strip(), strict=False) for one in written)


def is_in(host: str, allowed: Iterable[Network]) -> bool:
    """Whether a numeric address, as a socket reports it, lies in one of the networks."""
    try:
        address = ipaddress.ip_address(sockets.plain_address(host))
    except ValueError:
        return False
    return any(address in network for network in allowed)
