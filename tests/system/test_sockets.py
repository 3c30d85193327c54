"""Addresses as text, and which of them a server socket accepts; over real loopback sockets."""

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


#: Addresses that a server on `::` accepts. Without IPv6 such a socket cannot be opened at all, see below.
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
def test_the_port_of_a_url_can_be_parsed_again(host: str, written: str) -> None:
    assert sockets.url("osc.udp", host, 9720) == written
    assert (urlsplit(written).hostname, urlsplit(written).port) == (host, 9720)


@pytest.mark.parametrize(("host", "called"), [("0.0.0.0", IPV4), ("::", IPV6), (IPV6, IPV6), ("10.0.0.1", "10.0.0.1")])
def test_a_server_on_all_addresses_is_reached_on_loopback(host: str, called: str) -> None:
    assert sockets.local_host(host) == called


@pytest.mark.parametrize(
    ("family", "host", "seen"),
    [
        (socket.AF_INET6, IPV4, "::ffff:127.0.0.1"),
        (socket.AF_INET6, IPV6, IPV6),
        (socket.AF_INET, "::ffff:127.0.0.1", IPV4),
        (socket.AF_INET, IPV4, IPV4),
    ],
)
def test_an_address_is_converted_to_the_form_of_a_socket_family(family: int, host: str, seen: str) -> None:
    assert sockets.host_in_family(family, host) == seen


def test_no_other_module_formats_addresses() -> None:
    """The brackets around IPv6 addresses belong in one place."""
    by_hand = re.compile(r"://\[?\{|\[\{\w*host\}\]")
    writers = {
        str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if by_hand.search(path.read_text("utf-8"))
    }
    # `sab tui --connect` reads addresses as people write them.
    assert writers <= {"system/sockets.py", "cli/attaching/opening.py"}


async def received(host: str, callers: tuple[str, ...], kind: socket.SocketKind) -> list[bytes]:
    """What a socket bound to `host` receives from each caller, which sends its server address."""
    loop = asyncio.get_running_loop()
    messages = []
    with await sockets.server_socket(host, 0, kind) as server:
        port = server.getsockname()[1]
        for caller in callers:
            family = socket.AF_INET6 if ":" in caller else socket.AF_INET
            with socket.socket(family, kind) as client:
                client.connect((caller, port))
                client.send(caller.encode())
                if kind is socket.SOCK_STREAM:
                    accepted, _ = await asyncio.wait_for(loop.sock_accept(server), 10)
                    with accepted:
                        messages.append(await asyncio.wait_for(loop.sock_recv(accepted, 100), 10))
                else:
                    messages.append(await asyncio.wait_for(loop.sock_recv(server, 100), 10))
    return messages


kinds = pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM], ids=["UDP", "TCP"])


@kinds
@pytest.mark.parametrize("host", [IPV4, "0.0.0.0"])
async def test_a_server_receives(host: str, kind: socket.SocketKind) -> None:
    assert await received(host, (IPV4,), kind) == [IPV4.encode()]


@kinds
async def test_a_server_on_all_addresses_receives_ipv4_and_ipv6(kind: socket.SocketKind) -> None:
    if not BOTH:
        with pytest.raises(OSError, match=r"\w"):
            await sockets.server_socket("::", 0, kind)
        return
    assert await received("::", BOTH, kind) == [caller.encode() for caller in BOTH]


@pytest.mark.parametrize("default", [0, 1])
@kinds
def test_dual_stack_is_requested_whatever_the_system_default(
    kind: socket.SocketKind, default: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows' default is IPv6 only; Linux has a default that root can change."""
    options: dict[tuple[int, int], int] = {(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY): default}

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
    sockets._bind(socket.AF_INET6, kind, ("::", 9720, 0, 0))


@kinds
async def test_a_port_that_is_taken_is_an_error(kind: socket.SocketKind) -> None:
    with await sockets.server_socket(IPV4, 0, kind) as first, pytest.raises(OSError, match=r"\w"):
        await sockets.server_socket(IPV4, first.getsockname()[1], kind)
