"""Which account of this machine a socket belongs to, as Linux tells it in `/proc/net`."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from bridge.system import sockets

#: The smallest number of a person's account; below are those of services.
_FIRST_PERSON = 501 if sys.platform == "darwin" else 1000
#: "nobody", and what containers map unknown accounts to.
_LAST_PERSON = 60_000
_NO_SHELLS = ("nologin", "false", "sync")
#: States of a TCP socket that no program holds any more have the account 0, which is not root's then.
_ESTABLISHED = b"01"

Transport = Literal["udp", "tcp"]


def read_table(name: str) -> bytes:
    """The content of `/proc/net/NAME`. Raises OSError."""
    return Path("/proc/net", name).read_bytes()


def owners(
    transport: Transport, host: str, port: int, read: Callable[[str], bytes] = read_table
) -> frozenset[int] | None:
    """The numbers of the accounts whose sockets send from a local address.

    Several programs can share a port. Empty: no program has it any more; tools such as `oscsend` end at once. None:
    this system does not tell.
    """
    try:
        tables = [(read(transport), _ipv4_forms(host)), (read(f"{transport}6"), _ipv6_forms(host))]
    except OSError:
        return None
    found = set[int]()
    for table, addresses in tables:
        for row in re.finditer(rb"^ *\d+: ([0-9A-F]+):%04X \S+ (\w\w) \S+ \S+ \S+ +(\d+) " % port, table, re.MULTILINE):
            address, state, account = row.groups()
            is_held = transport == "udp" or state == _ESTABLISHED or account != b"0"
            if address in addresses and is_held:
                found.add(int(account))
    return frozenset(found)


def has_other_people(own_account: int) -> bool:
    """Whether another person has an account on this machine, as far as the list of accounts tells."""
    if sys.platform == "win32":
        return False
    import pwd

    return any(
        _FIRST_PERSON <= entry.pw_uid < _LAST_PERSON
        and entry.pw_uid != own_account
        and not entry.pw_shell.endswith(_NO_SHELLS)
        for entry in pwd.getpwall()
    )


def _ipv4_forms(host: str) -> frozenset[bytes]:
    """How `/proc/net/udp` writes the address, and the one that stands for all: as numbers of this machine."""
    try:
        return frozenset((_words(socket.inet_aton(host.removeprefix(sockets.MAPPED_PREFIX))), b"0" * 8))
    except OSError:
        return frozenset()


def _ipv6_forms(host: str) -> frozenset[bytes]:
    host = host.partition("%")[0]
    mapped = host if ":" in host else sockets.MAPPED_PREFIX + host
    return frozenset((_words(socket.inet_pton(socket.AF_INET6, mapped)), b"0" * 32))


def _words(packed: bytes) -> bytes:
    numbers = (int.from_bytes(packed[start : start + 4], sys.byteorder) for start in range(0, len(packed), 4))
    return b"".join(b"%08X" % number for number in numbers)
