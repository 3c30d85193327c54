"""What goes from the pipe into the ports of the process that has them open, period by period."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from bridge.errors import EngineFailed
from bridge.midi.ports import hosted_ports
from bridge.midi.ports.hosted_ports import open_hosted
from bridge.midi.ports.jack_process import Relay

ON, OFF = bytes.fromhex("903c5a"), bytes.fromhex("803c40")


@dataclass
class RoomyPort:
    """A port that keeps what was written in each period; `room` for so many."""

    room: int = 100
    periods: list[list[bytes]] = field(default_factory=list)

    def clear_buffer(self) -> None:
        self.periods.append([])

    def write_midi_event(self, offset: int, message: bytes) -> None:
        assert offset == 0
        if len(self.periods[-1]) == self.room:
            raise OSError("no room")
        self.periods[-1].append(message)


def coming(*pieces: bytes | None) -> Callable[[], bytes]:
    """What is read in each period; None: nothing has come."""
    rest = list(pieces)

    def read() -> bytes:
        piece = rest.pop(0)
        if piece is None:
            raise BlockingIOError
        return piece

    return read


def framed(number: int, *messages: bytes) -> bytes:
    return b"".join(bytes((number, len(message))) + message for message in messages)


def turn(relay: Relay, periods: int) -> None:
    for _ in range(periods):
        relay.process(256)


def test_each_message_goes_out_on_its_port_in_the_period_after_it_came() -> None:
    ports = [RoomyPort(), RoomyPort()]
    turn(Relay(ports, coming(framed(1, ON), None, framed(0, ON) + framed(1, OFF))), 3)
    assert ports[0].periods == [[], [], [ON]]
    assert ports[1].periods == [[ON], [], [OFF]]


def test_a_message_that_came_in_two_pieces_is_whole() -> None:
    port = RoomyPort()
    data = framed(0, ON, OFF)
    turn(Relay([port], coming(data[:1], data[1:3], data[3:7], data[7:])), 4)
    assert port.periods == [[], [], [ON], [OFF]]


def test_what_finds_no_room_in_a_period_comes_in_the_next_in_order() -> None:
    port = RoomyPort(room=2)
    turn(Relay([port], coming(framed(0, ON, OFF, ON), framed(0, OFF), None)), 3)
    assert port.periods == [[ON, OFF], [ON, OFF], []]


def test_where_the_pipe_ends_what_sounds_is_ended_and_only_then_it_is_over() -> None:
    ports = [RoomyPort(room=2), RoomyPort()]
    relay = Relay(ports, coming(framed(0, ON, ON), framed(1, OFF), b""))
    turn(relay, 2)
    ports[0].room = 1
    turn(relay, 1)
    assert not relay.is_over.is_set()
    turn(relay, 1)
    assert relay.is_over.is_set()
    assert ports[0].periods[2:] == [[OFF], [OFF]] and ports[1].periods[2:] == [[], []]


def test_a_process_that_opens_no_ports_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nowhere")
    with pytest.raises(EngineFailed, match="no ports on JACK: no JACK server answers"):
        open_hosted("bridge", {"bass": "SAB Bass"}, lambda _: pytest.fail("it was never there"))
    monkeypatch.setattr(hosted_ports, "MODULE", "bridge.midi.no_such_module")
    with pytest.raises(EngineFailed, match="their process has ended"):
        open_hosted("bridge", {"bass": "SAB Bass"}, lambda _: pytest.fail("it was never there"))
