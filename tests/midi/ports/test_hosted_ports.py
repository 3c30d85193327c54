"""How messages move from the pipe to the ports of the process that owns them, period by period."""

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
    """A port that records the messages of each period; `room` is their maximum."""

    room: int = 100
    periods: list[list[bytes]] = field(default_factory=list)

    def clear_buffer(self) -> None:
        self.periods.append([])

    def write_midi_event(self, offset: int, message: bytes) -> None:
        assert offset == 0
        if len(self.periods[-1]) == self.room:
            raise OSError("no room")
        self.periods[-1].append(message)


def reads_of(*chunks: bytes | None) -> Callable[[], bytes]:
    """The data read in each period; None: no data."""
    rest = list(chunks)

    def read() -> bytes:
        chunk = rest.pop(0)
        if chunk is None:
            raise BlockingIOError
        return chunk

    return read


def framed(number: int, *messages: bytes) -> bytes:
    return b"".join(bytes((number, len(message))) + message for message in messages)


def turn(relay: Relay, periods: int) -> None:
    for _ in range(periods):
        relay.process(256)


def test_each_message_is_sent_on_its_port_in_the_period_after_its_arrival() -> None:
    ports = [RoomyPort(), RoomyPort()]
    turn(Relay(ports, reads_of(framed(1, ON), None, framed(0, ON) + framed(1, OFF))), 3)
    assert ports[0].periods == [[], [], [ON]]
    assert ports[1].periods == [[ON], [], [OFF]]


def test_a_message_that_arrives_in_two_parts_is_reassembled() -> None:
    port = RoomyPort()
    data = framed(0, ON, OFF)
    turn(Relay([port], reads_of(data[:1], data[1:3], data[3:7], data[7:])), 4)
    assert port.periods == [[], [], [ON], [OFF]]


def test_messages_that_do_not_fit_into_a_period_are_sent_in_the_next_in_order() -> None:
    port = RoomyPort(room=2)
    turn(Relay([port], reads_of(framed(0, ON, OFF, ON), framed(0, OFF), None)), 3)
    assert port.periods == [[ON, OFF], [ON, OFF], []]


def test_when_the_pipe_closes_sounding_notes_are_ended_before_the_relay_finishes() -> None:
    ports = [RoomyPort(room=2), RoomyPort()]
    relay = Relay(ports, reads_of(framed(0, ON, ON), framed(1, OFF), b""))
    turn(relay, 2)
    ports[0].room = 1
    turn(relay, 1)
    assert not relay.finished.is_set()
    turn(relay, 1)
    assert relay.finished.is_set()
    assert ports[0].periods[2:] == [[OFF], [OFF]] and ports[1].periods[2:] == [[], []]


def test_a_process_that_cannot_open_ports_reports_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "nowhere")
    with pytest.raises(EngineFailed, match="cannot be opened: no JACK server answers"):
        open_hosted("bridge", {"bass": "SAB Bass"}, lambda _: pytest.fail("it was never there"))
    monkeypatch.setattr(hosted_ports, "MODULE", "bridge.midi.no_such_module")
    with pytest.raises(EngineFailed, match="their process has ended"):
        open_hosted("bridge", {"bass": "SAB Bass"}, lambda _: pytest.fail("it was never there"))
