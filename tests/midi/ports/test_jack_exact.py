"""The exact ports, on a fake JACK that runs period by period and on a real one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from bridge.errors import EngineFailed
from bridge.midi.ports import jack_exact
from bridge.midi.ports.jack_exact import JackExact, open_exact
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import open_ports
from tests.support.jack_server import SAMPLE_RATE_HZ, JackServer, MidiReader, jack_server
from tests.support.stage import SECOND

__all__ = ["jack_server"]

PERIOD = 480
PERIOD_NS = SECOND // 100
TAKES = 10


class JackError(Exception):
    pass


@dataclass
class FakeJackPort:
    """A JACK port: the messages written in each period, as (offset, message)."""

    name: str
    periods: list[list[tuple[int, bytes]]] = field(default_factory=list)
    coming: list[tuple[int, bytes]] = field(default_factory=list)
    alias: str = ""
    room: int = 100

    def set_alias(self, alias: str) -> None:
        self.alias = alias

    def incoming_midi_events(self) -> list[tuple[int, bytes]]:
        coming, self.coming = self.coming, []
        return coming

    def clear_buffer(self) -> None:
        self.periods.append([])

    def write_midi_event(self, offset: int, message: bytes) -> None:
        written = self.periods[-1]
        assert 0 <= offset < PERIOD and (not written or written[-1][0] <= offset), "JACK would refuse this"
        if len(written) == self.room:
            raise JackError("no space left")
        written.append((offset, message))


@dataclass
class FakeJack:
    """The module jack, and its server: periods of 10 ms at 48 kHz, run by `run_periods`."""

    answers: bool = True
    has_client: bool = False
    refuses: str = ""
    ports: dict[str, FakeJackPort] = field(default_factory=dict)
    now_ns: int = 3 * SECOND
    last_frame_time: int = 0
    samplerate: int = 48_000
    blocksize: int = PERIOD
    closed: bool = False
    JackError: type[Exception] = JackError

    def Client(self, name: str, no_start_server: bool) -> FakeJack:  # noqa: N802 - its name in jack
        assert no_start_server
        self.name = f"{name}-01" if self.has_client else name
        if not self.answers:
            raise JackError(name)
        self.midi_outports = SimpleNamespace(register=self._register)
        self.midi_inports = SimpleNamespace(register=self._register)
        return self

    def _register(self, name: str) -> FakeJackPort:
        if name == self.refuses:
            raise JackError(f"{name} exists")
        return self.ports.setdefault(name, FakeJackPort(name))

    def set_process_callback(self, callback: Callable[[int], None]) -> None:
        self._process = callback

    def set_blocksize_callback(self, callback: Callable[[int], None]) -> None:
        self.resize = callback

    def set_shutdown_callback(self, callback: Callable[[object, str], None]) -> None:
        self.shut_down = callback

    def activate(self) -> None:
        self.run_periods()

    def deactivate(self) -> None:
        assert not self.closed

    def close(self) -> None:
        self.closed = True

    def run_periods(self, periods: int = 1) -> None:
        for _ in range(periods):
            self._process(PERIOD)
            self.last_frame_time += PERIOD
            self.now_ns += PERIOD_NS


@pytest.fixture
def jack() -> FakeJack:
    return FakeJack()


def client_on(jack: FakeJack, *names: str) -> JackExact:
    return JackExact("bridge", names, library=jack, clock_ns=lambda: jack.now_ns)


def test_each_message_is_written_at_its_frame_in_its_period(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    for milliseconds in (25, 29, 40):  # from now, which is the first frame of the next period
        output.send((0x90, milliseconds, 1), jack.now_ns + milliseconds * 1_000_000)
    jack.run_periods(5)
    assert jack.ports["SAB Bass"].periods[1:] == [
        [],
        [],
        [(240, bytes((0x90, 25, 1))), (432, bytes((0x90, 29, 1)))],
        [],
        [(0, bytes((0x90, 40, 1)))],
    ]


def test_messages_that_are_late_or_have_no_time_are_sent_at_once_in_order(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    output.send((0x90, 1, 1), jack.now_ns - SECOND)
    output.send((0x90, 2, 1), jack.now_ns - SECOND // 2)
    jack.run_periods()
    output.send((0x80, 1, 1))
    output.send((0x80, 2, 1))
    jack.run_periods()
    late, at_once = jack.ports["SAB Bass"].periods[1:]
    assert [(offset, data[1]) for offset, data in (*late, *at_once)] == [(0, 1), (0, 2), (0, 1), (0, 2)]


def test_messages_that_were_taken_back_never_sound_and_those_of_another_stem_do(jack: FakeJack) -> None:
    client = client_on(jack, "SAB Stems")
    bass, drums = client.output("SAB Stems"), client.output("SAB Stems")
    bass.send((0x90, 40, 1), jack.now_ns)
    jack.run_periods()
    bass.send((0x90, 43, 1), jack.now_ns + 5_000_000)
    drums.send((0x99, 36, 1), jack.now_ns + 6_000_000)
    bass.take_back()
    jack.run_periods(2)
    assert jack.ports["SAB Stems"].periods[1:] == [
        [(0, bytes((0x90, 40, 1)))],
        [(288, bytes((0x99, 36, 1)))],
        [],
    ]


def test_ending_messages_are_sent_even_if_the_others_are_taken_back(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    output.send((0x90, 40, 1), jack.now_ns)
    jack.run_periods()
    output.send((0x80, 40, 1), jack.now_ns + 30_000_000)  # its end, handed over ahead by a playback that has ended
    output.send((0xE0, 0, 90), jack.now_ns + 31_000_000)
    output.take_back()
    output.send((0xE0, 0, 64))
    output.take_back()
    jack.run_periods()
    assert jack.ports["SAB Bass"].periods[-1] == [(0, bytes((0x80, 40, 1))), (0, bytes((0xE0, 0, 64)))]


def test_a_server_that_loses_time_does_not_reorder_messages(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    jack.run_periods(30)
    output.send((0x90, 40, 1), jack.now_ns + 30_000_000)
    jack.run_periods()
    jack.now_ns += SECOND  # the waiting message is overdue now
    jack.run_periods(60)
    output.send((0x90, 41, 1), jack.now_ns + 25_000_000)
    output.send((0x80, 41, 1), jack.now_ns + 45_000_000)
    jack.run_periods(6)
    played = [
        (number, offset, data[0], data[1])
        for number, period in enumerate(jack.ports["SAB Bass"].periods)
        for offset, data in period
    ]
    assert [(kind, pitch) for _, _, kind, pitch in played] == [(0x90, 40), (0x90, 41), (0x80, 41)]
    assert [(number, offset) for number, offset, _, _ in played[1:]] == [(94, 240), (96, 240)]


def test_messages_that_do_not_fit_into_a_period_are_sent_in_the_next(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    jack.ports["SAB Bass"].room = 2
    for pitch in range(5):
        output.send((0x80, pitch, 1))
    jack.run_periods(3)
    assert [[data[1] for _, data in period] for period in jack.ports["SAB Bass"].periods[1:]] == [[0, 1], [2, 3], [4]]


def test_a_note_scheduled_for_a_tick_is_played_on_its_frame(jack: FakeJack) -> None:
    client, received = client_on(jack, "SAB Bass"), []
    assert client.open_input(
        "SAB Sync", "bridge sync:SAB Sync", lambda at_ns, message: received.append((at_ns, message))
    )
    assert jack.ports["SAB Sync"].alias == "bridge sync:SAB Sync"
    jack.run_periods(200)
    jack.ports["SAB Sync"].coming = [(100, b"\xf8"), (350, b"\xfc")]
    jack.now_ns += 3_000_000  # the machine is late in this period
    jack.run_periods()
    (tick_ns, tick), (_, stop) = received
    assert (tick, stop) == (b"\xf8", b"\xfc")
    client.output("SAB Bass").send((0x90, 1, 1), tick_ns + 5 * PERIOD_NS)
    jack.run_periods(5)
    assert jack.ports["SAB Bass"].periods[-1] == [(100, bytes((0x90, 1, 1)))]


def test_messages_are_taken_two_periods_and_a_margin_ahead(jack: FakeJack) -> None:
    output = client_on(jack, "SAB Bass").output("SAB Bass")
    assert output.ahead_ns == jack_exact.MARGIN_NS + 2 * PERIOD_NS
    jack.resize(2 * PERIOD)
    assert output.ahead_ns == jack_exact.MARGIN_NS + 4 * PERIOD_NS


def test_when_the_server_goes_it_is_reported_and_sending_fails(jack: FakeJack) -> None:
    gone: list[bool] = []
    output = open_exact("bridge", {"bass": "SAB Bass"}, lambda: gone.append(True), jack)["bass"]
    jack.shut_down(None, "bye")
    assert gone == [True]
    with pytest.raises(EngineFailed, match="SAB Bass"):
        output.send((0x90, 1, 1))


def test_a_shared_port_is_closed_once(jack: FakeJack) -> None:
    outputs = open_exact("bridge", {"bass": "SAB Stems", "drums": "SAB Stems"}, None, jack)
    assert list(jack.ports) == ["SAB Stems"]
    for output in outputs.values():
        output.close()
    assert jack.closed


def test_without_a_server_or_without_the_library_it_says_so(jack: FakeJack, monkeypatch: pytest.MonkeyPatch) -> None:
    jack.answers = False
    with pytest.raises(EngineFailed, match="No JACK server"):
        client_on(jack, "SAB Bass")
    monkeypatch.setitem(sys.modules, "jack", None)
    status = open_ports(PortLayout(backend="jack-exact")).status
    assert (status.backend, status.ports) == ("none", ())
    assert "JACK-Client is not installed" in status.message and "the extra exact " in status.message


def test_a_name_with_an_appended_number_is_refused(jack: FakeJack) -> None:
    jack.has_client = True
    with pytest.raises(EngineFailed, match="JACK answers, but has a client bridge already"):
        client_on(jack, "SAB Bass")
    assert jack.closed and not jack.ports


def test_a_server_that_refuses_a_port_is_not_reported_as_missing(jack: FakeJack) -> None:
    jack.refuses = "SAB Bass"
    with pytest.raises(EngineFailed, match="JACK answers, but gives no MIDI ports: SAB Bass exists"):
        client_on(jack, "SAB Drums", "SAB Bass")
    assert jack.closed


@pytest.mark.jack
@pytest.mark.end_to_end
def test_on_a_real_server_no_note_is_off_by_a_frame(jack_server: JackServer) -> None:
    command = [sys.executable, "-c", EXACT_CLIENT.format(seconds=0.004, messages=300)]
    environment = {**os.environ, **jack_server.environment}
    for _ in range(TAKES):
        with (
            MidiReader(jack_server) as reader,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as one,
        ):
            assert one.stdout is not None and one.stdin is not None
            one.stdout.readline()
            assert sorted(reader.ports()) == [
                f"Source Audio Bridge:SAB {stem}" for stem in ("Bass", "Drums", "Guitar", "Other", "Piano", "Vocals")
            ]
            reader.connect("Source Audio Bridge:SAB Bass")
            one.stdin.write(b"\n")
            one.stdin.flush()
            reader.wait(lambda received: len(received) >= 300)
            one.stdin.close()
            losses, received = list(reader.losses), list(reader.received)
        if not losses:
            break
    else:
        pytest.xfail(f"void: {TAKES} takes, and the server lost time in each; this machine is too busy to measure time")
    assert [message.data for message in received] == [bytes((0x90, n % 128, 1 + n // 128)) for n in range(300)]
    # One and the same line through all of them means that each was rounded to its nearest frame.
    off = [message.frame - number * 0.004 * SAMPLE_RATE_HZ for number, message in enumerate(received)]
    assert max(off) - min(off) < 1


EXACT_CLIENT = """
import sys, time
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import open_ports

output = open_ports(PortLayout(backend="jack-exact")).outputs["bass"]
print("open", flush=True)
sys.stdin.readline()
start = time.perf_counter_ns() + 100_000_000
for number in range({messages}):
    at_ns = start + round(number * {seconds} * 1e9)
    time.sleep(max(0, at_ns - output.ahead_ns - time.perf_counter_ns()) / 1e9)
    output.send((0x90, number % 128, 1 + number // 128), at_ns)
sys.stdin.readline()
output.close()
"""
