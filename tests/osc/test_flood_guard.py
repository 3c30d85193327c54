"""A flood is dropped by the system, and what others send still arrives."""

from __future__ import annotations

import socket
import sys

import pytest

from bridge.osc.traffic import kernel_filter
from bridge.osc.traffic.flood_guard import FLOOD_DATAGRAMS, FLOOD_SECONDS, QUIET_TICKS, FloodGuard
from tests.support.fakes import FakeClock

CLIENT, FLOODER = ("127.0.0.1", 9001), ("127.0.0.1", 9002)
NEVER = 1 << 31


class Guarded:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.programs = list[bytes | None]()
        self.guard = FloodGuard(self.clock.monotonic_seconds, self.programs.append)
        self.guard.arrived(CLIENT)
        self.second()

    def second(self) -> None:
        self.clock.advance(1.0)
        self.guard.tick()

    def flood(self, ports: int = 1, datagrams: int = FLOOD_DATAGRAMS, seconds: float = FLOOD_SECONDS / 2) -> None:
        for number in range(datagrams):
            self.guard.arrived((FLOODER[0], FLOODER[1] + number % ports))
            self.clock.advance(seconds / datagrams)
        self.guard.arrived(CLIENT)


def test_a_sender_that_floods_is_dropped_until_it_has_ended() -> None:
    guarded = Guarded()
    guarded.flood()
    assert guarded.programs == [kernel_filter.all_but({FLOODER[1]})]
    for _ in range(3):
        guarded.flood(datagrams=FLOOD_DATAGRAMS // 4, seconds=0.9)  # what the filter lets through
        guarded.second()
    assert len(guarded.programs) == 1
    for _ in range(QUIET_TICKS + 1):
        guarded.second()
    assert guarded.programs[1:] == [None]


def test_of_a_flood_from_many_ports_only_those_pass_that_were_there_before() -> None:
    guarded = Guarded()
    for _ in range(2):
        guarded.flood(ports=1000)
        assert guarded.programs[-1] == kernel_filter.only({CLIENT[1]})
        for _ in range(QUIET_TICKS + 2):  # it comes again, and is not known by that
            guarded.second()
        assert guarded.programs[-1] is None


def test_a_thousand_clips_in_a_second_are_no_flood() -> None:
    guarded = Guarded()
    for _ in range(10):
        guarded.flood(datagrams=FLOOD_DATAGRAMS // 2, seconds=0.5)
        guarded.second()
    assert guarded.programs == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("is_allowed", [True, False])
def test_the_system_drops_what_the_program_says(host: str, is_allowed: bool) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family, socket.SOCK_DGRAM) as server,
        socket.socket(family, socket.SOCK_DGRAM) as first,
        socket.socket(family, socket.SOCK_DGRAM) as second,
    ):
        for each in (server, first, second):
            each.bind((host, 0))
        server.setblocking(False)
        port = first.getsockname()[1]
        others = range(1, 900)  # a program may be long
        program = (
            kernel_filter.only({port, *others}, NEVER) if is_allowed else kernel_filter.all_but({port, *others}, NEVER)
        )
        kernel_filter.attach(server, program)
        for each in (first, second):
            each.sendto(b"x", server.getsockname())
        _, passed = server.recvfrom(10)
        assert passed[1] == (port if is_allowed else second.getsockname()[1])
        with pytest.raises(BlockingIOError):
            server.recvfrom(10)
        kernel_filter.attach(server, None)
        for each in (first, second):
            each.sendto(b"x", server.getsockname())
        assert {server.recvfrom(10)[1][1] for _ in range(2)} == {port, second.getsockname()[1]}
