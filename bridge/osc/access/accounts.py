"""Which account of this machine a socket belongs to, as Linux tells it in `/proc/net`."""

from __future__ import annotations

import math
import os
import re
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from bridge.osc.traffic.limits import TokenBucket
from bridge.system import sockets

#: The numbers of people's accounts on Linux; below are services, above "nobody" and what containers map others to.
FIRST_PERSON, LAST_PERSON = 1000, 60_000
#: How often the processes are looked at, some 2 ms each time, and how long a person that was here counts.
LOOKS_APART_SECONDS = 0.5
REMEMBERED_SECONDS = 600.0
#: States of a TCP socket that no program holds any more have the account 0, which is not root's then.
_ESTABLISHED = b"01"
#: How old a table may be that names the socket which has the port now.
SHARED_SECONDS = 0.02
#: How often the tables are read, each time for a millisecond; beyond, a socket that no table names counts as gone.
READINGS_A_SECOND = 200.0
READINGS_BURST = 400.0
#: The local address and port, the state, the account and the inode of a row.
_ROW = re.compile(rb"^ *\d+: ([0-9A-F]+):([0-9A-F]{4}) \S+ (\w\w) \S+ \S+ \S+ +(\d+) +\d+ (\d+)", re.MULTILINE)

Transport = Literal["udp", "tcp"]


def read_table(name: str) -> bytes:
    """The content of `/proc/net/NAME`. Raises OSError."""
    return Path("/proc/net", name).read_bytes()


class Accounts:
    """Looks up whose local sockets are. The tables are shared by the lookups of a moment, so that a flood from many
    sockets costs few readings.

    Args:
        seconds: the time of a clock that never goes back.
        read: as `read_table`.
    """

    def __init__(self, seconds: Callable[[], float], read: Callable[[str], bytes] = read_table) -> None:
        self._seconds = seconds
        self._read = read
        self._tables: dict[Transport, _Table] = {}
        self._readings = TokenBucket(READINGS_A_SECOND, READINGS_BURST, seconds())

    def owners(self, transport: Transport, host: str, port: int, inode: int | None = None) -> frozenset[int] | None:
        """The numbers of the accounts whose sockets send from a local address.

        Several programs can share a port. Empty: no program has it any more; tools such as `oscsend` end at once. None:
        this system does not tell.

        Args:
            inode: of the socket that has the port now, if that is known: a table from a moment ago is used only if it
                names that socket, for the port may have gone to another program since.
        """
        table = self._tables.get(transport)
        if table is not None and inode is not None and self._seconds() - table.at_seconds < SHARED_SECONDS:
            rows = table.rows(host, port)
            if any(row.inode == inode for row in rows):
                return frozenset(row.account for row in rows)
        if not self._readings.take(self._seconds()):
            return frozenset()
        try:
            table = self._tables[transport] = _Table(self._read, transport, self._seconds())
        except OSError:
            return None
        return frozenset(row.account for row in table.rows(host, port))


class _Row(NamedTuple):
    address: bytes
    account: int
    inode: int


class _Table:
    """The rows of a transport's two tables, by port."""

    def __init__(self, read: Callable[[str], bytes], transport: Transport, at_seconds: float) -> None:
        self.at_seconds = at_seconds
        self._rows: dict[tuple[str, int], list[_Row]] = {}
        for name in (transport, f"{transport}6"):
            for address, port, state, account, inode in _ROW.findall(read(name)):
                if transport == "udp" or state == _ESTABLISHED or account != b"0":
                    row = _Row(address, int(account), int(inode))
                    self._rows.setdefault((name, int(port, 16)), []).append(row)
        self._transport = transport

    def rows(self, host: str, port: int) -> list[_Row]:
        """The sockets that send from a local address."""
        found = [row for row in self._rows.get((self._transport, port), ()) if row.address in _ipv4_forms(host)]
        return found + [
            row for row in self._rows.get((f"{self._transport}6", port), ()) if row.address in _ipv6_forms(host)
        ]


class OtherPeople:
    """Whether a program of another person runs on this machine now; asked of Linux's list of processes.

    Services have accounts too, with smaller numbers; they do not count, nor does root.
    """

    def __init__(self, own_account: int, seconds: Callable[[], float], processes: Path = Path("/proc")) -> None:
        self._own_account = own_account
        self._seconds = seconds
        self._processes = processes
        self._looked_seconds = -REMEMBERED_SECONDS
        self._seen_seconds = -math.inf

    def are_here(self) -> bool:
        """Also if one was here a while ago, and where the system hides the processes of others."""
        now = self._seconds()
        if now - self._looked_seconds >= LOOKS_APART_SECONDS:
            self._looked_seconds = now
            if self._is_hidden or any(map(self._is_person, self._accounts())):
                self._seen_seconds = now
        return now - self._seen_seconds < REMEMBERED_SECONDS

    @property
    def _is_hidden(self) -> bool:
        return not (self._processes / "1").is_dir()

    def _is_person(self, account: int) -> bool:
        return FIRST_PERSON <= account < LAST_PERSON and account != self._own_account

    def _accounts(self) -> Iterator[int]:
        with os.scandir(self._processes) as entries:
            for entry in entries:
                if entry.name.isdecimal():
                    with suppress(OSError):  # it has ended
                        yield entry.stat().st_uid


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
