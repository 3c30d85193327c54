"""Reading the account of a socket from the system's tables."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.osc.access.accounts import (
    READINGS_BURST,
    REMEMBERED_SECONDS,
    SHARED_SECONDS,
    Accounts,
    OtherPeople,
    Transport,
    read_table,
)
from bridge.osc.access.socket_cookies import SocketCookies
from tests.support.fakes import FakeClock

UDP = b"""\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  123: 0100007F:2328 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 11 2 0000000000000000 0
  124: 00000000:2329 00000000:0000 07 00000000:00000000 00:00000000 00000000  1001        0 12 2 0000000000000000 0
  125: 0200007F:232A 00000000:0000 07 00000000:00000000 00:00000000 00000000  1002        0 13 2 0000000000000000 0
  126: 0100007F:232B 0100007F:2328 01 00000000:00000000 00:00000000 00000000  1000        0 14 2 0000000000000000 0
  127: 00000000:232B 00000000:0000 07 00000000:00000000 00:00000000 00000000  1003        0 15 2 0000000000000000 0
"""
UDP6 = b"""\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  200: 00000000000000000000000000000000:2400 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1004        0 21 2 0000000000000000 0
  201: 0000000000000000FFFF00000100007F:2401 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1005        0 22 2 0000000000000000 0
  202: 00000000000000000000000001000000:2402 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000  1006        0 23 2 0000000000000000 0
"""  # noqa: E501 - as the system writes it
TCP = b"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2500 0100007F:25F8 01 00000000:00000000 00:00000000 00000000  1000        0 31 1 0000000000000000 20 4 30 10 -1
   1: 0100007F:2501 0100007F:25F8 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1
   2: 0100007F:2502 0100007F:25F8 01 00000000:00000000 00:00000000 00000000     0        0 33 1 0000000000000000 20 4 30 10 -1
"""  # noqa: E501
TABLES = {"udp": UDP, "udp6": UDP6, "tcp": TCP, "tcp6": b""}

pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="the tables here are those of a usual machine")


def owners(
    transport: Transport, host: str, port: int, read: Callable[[str], bytes] = read_table
) -> frozenset[int] | None:
    return Accounts(FakeClock().monotonic_seconds, read).owners(transport, host, port)


@pytest.mark.parametrize(
    ("host", "port", "found"),
    [
        ("127.0.0.1", 0x2328, {1000}),
        ("127.0.0.1", 0x2329, {1001}),  # bound to every address
        ("::ffff:127.0.0.1", 0x2329, {1001}),  # as a dual-stack server sees it
        ("127.0.0.1", 0x232A, set()),  # the socket of another address
        ("127.0.0.1", 0x232B, {1000, 1003}),  # two share a port
        ("127.0.0.1", 0x2400, {1004}),  # a dual-stack sender
        ("127.0.0.1", 0x2401, {1005}),
        ("::1", 0x2402, {1006}),
        ("::1%lo", 0x2402, {1006}),
        ("::1", 0x2328, set()),
        ("127.0.0.1", 9, set()),
    ],
)
def test_the_accounts_of_a_datagram_s_sender(host: str, port: int, found: set[int]) -> None:
    assert owners("udp", host, port, TABLES.__getitem__) == frozenset(found)


def test_a_connection_that_no_program_holds_any_more_is_not_root_s() -> None:
    accounts = [owners("tcp", "127.0.0.1", port, TABLES.__getitem__) for port in (0x2500, 0x2501, 0x2502)]
    assert accounts == [frozenset({1000}), frozenset(), frozenset({0})]


def test_a_system_without_the_tables_does_not_tell() -> None:
    def read(name: str) -> bytes:
        raise FileNotFoundError(name)

    assert owners("udp", "127.0.0.1", 1, read) is None


def test_the_sockets_of_one_moment_share_a_reading() -> None:
    clock, reads = FakeClock(), list[str]()

    def read(name: str) -> bytes:
        reads.append(name)
        return TABLES[name]

    accounts = Accounts(clock.monotonic_seconds, read)
    for _ in range(100):
        assert accounts.owners("udp", "127.0.0.1", 0x2328, 11) == frozenset({1000})
        assert accounts.owners("udp", "127.0.0.1", 0x2329, 12) == frozenset({1001})
    assert reads == ["udp", "udp6"]
    clock.advance(2 * SHARED_SECONDS)
    assert accounts.owners("udp", "127.0.0.1", 0x2328, 11) == frozenset({1000})
    assert len(reads) == 4
    assert accounts.owners("udp", "127.0.0.1", 0x2328, 99) == frozenset({1000})  # another socket: looked at again
    assert len(reads) == 6


def test_sockets_that_no_table_names_cost_a_limited_number_of_readings() -> None:
    clock, reads = FakeClock(), list[str]()

    def read(name: str) -> bytes:
        reads.append(name)
        return TABLES[name]

    accounts = Accounts(clock.monotonic_seconds, read)
    for port in range(1, 2000):
        assert accounts.owners("udp", "127.0.0.1", port) == frozenset()
    assert len(reads) == 2 * READINGS_BURST
    clock.advance(1.0)
    assert accounts.owners("udp", "127.0.0.1", 0x2328) == frozenset({1000})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_our_own_socket_is_ours_as_long_as_it_is_open() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
        assert owners("udp", "127.0.0.1", port) == frozenset({os.geteuid()})
    assert owners("udp", "127.0.0.1", port) == frozenset()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_our_own_connection_is_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as own:
        assert owners("tcp", *own.getsockname()) == frozenset({os.geteuid()})


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
@pytest.mark.parametrize("is_connected", [False, True])
def test_a_socket_has_its_own_cookie_as_long_as_it_is_open(family: int, is_connected: bool) -> None:
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((host, 0))
        cookies = SocketCookies(server.getsockname()[1])
        found = []
        port = 0
        for _ in range(2):  # the second takes the first one's port over
            with socket.socket(family, socket.SOCK_DGRAM) as own:
                own.bind((host, port))
                port = own.getsockname()[1]
                if is_connected:
                    own.connect(server.getsockname())
                found += [cookies(host, port), cookies(host, port)]
            assert cookies(host, port) is None
        first, again, second, _ = found
        assert first is not None
        assert first == again != second
        cookies.close()
        assert cookies(host, port) is None


def processes(folder: Path, accounts: dict[int, int], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like `/proc`, with a process of each account."""
    for number in accounts:
        (folder / str(number)).mkdir()
    (folder / "self").mkdir()
    monkeypatch.setattr(OtherPeople, "_accounts", lambda _: iter(accounts.values()))
    return folder


@pytest.mark.parametrize(
    ("accounts", "are_here"),
    [
        ({1: 0, 2: 1000}, False),
        ({1: 0, 2: 1001}, True),
        ({1: 0, 2: 105, 3: 65_534}, False),  # services
        ({2: 1000}, True),  # the first process is hidden, and so may others be
    ],
)
def test_other_people_are_seen_by_their_processes(
    accounts: dict[int, int], are_here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = processes(tmp_path, accounts, monkeypatch)
    assert OtherPeople(1000, FakeClock().monotonic_seconds, folder).are_here() == are_here


def test_a_person_who_has_just_left_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, accounts = FakeClock(), {1: 0, 2: 1001}
    people = OtherPeople(1000, clock.monotonic_seconds, processes(tmp_path, accounts, monkeypatch))
    assert people.are_here()
    del accounts[2]
    clock.advance(REMEMBERED_SECONDS - 1)
    assert people.are_here()
    clock.advance(2)
    assert not people.are_here()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_our_own_processes_are_nobody_else_s() -> None:
    own = [entry.stat().st_uid for entry in Path("/proc").iterdir() if entry.name == str(os.getpid())]
    assert own == [os.geteuid()]
    assert os.geteuid() in set(OtherPeople(os.geteuid(), FakeClock().monotonic_seconds)._accounts())
