"""How addresses are written, and which of them a server's socket hears; over real loopback sockets."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge.system import sockets
from tests.support.loopback import has_ipv6

SOURCE = Path(sockets.__file__).parents[1]
IPV4, IPV6 = "127.0.0.1", "::1"


#: What a server on `::` is to hear: on a machine without IPv6 it cannot be opened at all, see below.
BOTH = (IPV4, IPV6) if has_ipv6() else ()


@pytest.mark.parametrize(
    ("host", "written"),
    [
        (IPV4, "osc.udp://127.0.0.1:9720"),
        (IPV6, "osc.udp://[::1]:9720"),
        ("::", "osc.udp://[::]:9720"),
        ("::ffff:10.0.0.1", "osc.udp://[::ffff:10.0.0.1]:9720"),
        ("studio.local", "osc.udp://studio.local:9720"),
    ],
)
def test_an_address_is_written_so_that_its_port_can_be_read_again(host: str, written: str) -> None:
    assert sockets.url("osc.udp", host, 9720) == written
    assert (urlsplit(written).hostname, urlsplit(written).port) == (host, 9720)


@pytest.mark.parametrize(("host", "called"), [("0.0.0.0", IPV4), ("::", IPV6), (IPV6, IPV6), ("10.0.0.1", "10.0.0.1")])
def test_what_listens_everywhere_is_called_on_loopback(host: str, called: str) -> None:
    assert sockets.from_here(host) == called


@pytest.mark.parametrize(
    ("family", "host", "seen"),
    [
        (socket.AF_INET6, IPV4, "::ffff:127.0.0.1"),
        (socket.AF_INET6, IPV6, IPV6),
        (socket.AF_INET, "::ffff:127.0.0.1", IPV4),
        (socket.AF_INET, IPV4, IPV4),
    ],
)
def test_an_address_that_another_kind_of_socket_has_seen(family: int, host: str, seen: str) -> None:
    assert sockets.seen_from(family, host) == seen


def test_nobody_else_writes_addresses() -> None:
    """The brackets around IPv6 were in three places, and missing in a fourth."""
    by_hand = re.compile(r"://\[?\{|\[\{\w*host\}\]")
    writers = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if by_hand.search(path.read_text("utf-8"))
    }
    assert writers <= {"system/sockets.py"}


async def heard(host: str, callers: tuple[str, ...], kind: socket.SocketKind) -> list[bytes]:
    """What a socket that is bound to `host` hears from each caller, which sends its own address."""
    loop = asyncio.get_running_loop()
    told = []
    with await sockets.bound(host, 0, kind) as own:
        port = own.getsockname()[1]
        for caller in callers:
            family = socket.AF_INET6 if ":" in caller else socket.AF_INET
            with socket.socket(family, kind) as client:
                client.connect((caller, port))
                client.send(caller.encode())
                if kind is socket.SOCK_STREAM:
                    accepted, _ = await asyncio.wait_for(loop.sock_accept(own), 10)
                    with accepted:
                        told.append(await asyncio.wait_for(loop.sock_recv(accepted, 100), 10))
                else:
                    told.append(await asyncio.wait_for(loop.sock_recv(own, 100), 10))
    return told


kinds = pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])


@kinds
@pytest.mark.parametrize("host", [IPV4, "0.0.0.0"])
async def test_a_server_is_heard(host: str, kind: socket.SocketKind) -> None:
    assert await heard(host, (IPV4,), kind) == [IPV4.encode()]


@kinds
async def test_a_server_on_all_addresses_hears_both_kinds(kind: socket.SocketKind) -> None:
    if not BOTH:
        with pytest.raises(OSError, match=r"\w"):
            await sockets.bound("::", 0, kind)
        return
    assert await heard("::", BOTH, kind) == [caller.encode() for caller in BOTH]


@pytest.mark.parametrize("habit", [0, 1])
@kinds
def test_both_kinds_are_asked_for_whatever_the_system_does_by_itself(
    kind: socket.SocketKind, habit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows' habit is IPv6 alone; Linux has one that root can change."""
    options: dict[tuple[int, int], int] = {(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): habit}

    class Recorded:
        def __init__(self, family: int, _: int) -> None:
            assert family == socket.AF_INET6

        def setsockopt(self, level: int, name: int, value: int) -> None:
            options[level, name] = value

        def bind(self, _: object) -> None:
            assert options[socket.IPPROTO_IPV6, socket.IPV6_V6ONLY] == 0, "too late once it is bound"

        def listen(self, backlog: int) -> None:
            assert backlog > 0

        def setblocking(self, blocking: bool) -> None:
            assert not blocking

    monkeypatch.setattr(socket, "socket", Recorded)
    sockets._bound(socket.AF_INET6, kind, ("::", 9720, 0, 0))


@kinds
async def test_a_port_that_is_taken_is_told(kind: socket.SocketKind) -> None:
    with await sockets.bound(IPV4, 0, kind) as first, pytest.raises(OSError, match=r"\w"):
        await sockets.bound(IPV4, first.getsockname()[1], kind)
