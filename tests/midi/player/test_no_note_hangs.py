"""However playing ends, an independent client receives no hanging note or bend after 200 ms."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.midi.player.unended_notes import FILE_NAME
from bridge.osc.client import OscClient, open_client
from bridge.units import DEFAULT_TEMPO_BPM
from tests.support.daw import START, STOP, TICK, TICKS_PER_QUARTER
from tests.support.jack_server import (
    SAMPLE_RATE_HZ,
    JackServer,
    MidiReader,
    MidiSender,
    ReceivedMessage,
    jack_server,
    poll,
    running_jack,
    why_no_jack,
)
from tests.support.loopback import free_port
from tests.support.midi_files import midi_file
from tests.support.programs import Server, children, has_ended, serving
from tests.support.sounds import music, write
from tests.support.stage import hanging, refuse_hosted_ports

__all__ = ["jack_server"]

pytestmark = [pytest.mark.jack, pytest.mark.end_to_end, pytest.mark.not_alone]

WITHIN_SECONDS = 0.2
BASS = "Source Audio Bridge:SAB Bass"
SYNC = "Source Audio Bridge sync:SAB Sync"
#: Bend up, pedal down, two notes and one of them twice; the last one ends after 0x7f7f7f ticks, which is hours.
DRONE = "00 e00050  00 b0407f  00 90305a  00 90345a  00 90345a  83fffe7f 803440"
#: Two pitches, the bend and the pedal: what `hanging` counts once all of it was received.
SOUNDING = 4


@dataclass
class Rig:
    """A real server with a job whose bass is a drone, and a reader on its port."""

    server: Server
    client: OscClient
    reader: MidiReader
    job: str
    #: How many messages had been received when the whole drone last sounded, or had ended.
    since: int = 0

    async def play(self, *more: str) -> None:
        self.reader.received.clear()  # discard what is still sent for the silence before
        self.since = 0
        await self.client.ask("/sab/play", self.job, "bass", *more)

    def sounds(self) -> None:
        self._wait_for(until=SOUNDING, deadline_seconds=20.0)

    def falls_silent(self, since_frame: int) -> None:
        """Asserts that nothing sounded for longer than promised; the frame is of JACK's clock."""
        assert 0 <= self.silent_frame() - since_frame < WITHIN_SECONDS * SAMPLE_RATE_HZ

    def silent_frame(self) -> int:
        """The frame at which the last sounding note had ended."""
        self._wait_for(until=0, deadline_seconds=5.0)
        return self.reader.received[self.since - 1].frame

    def _wait_for(self, until: int, deadline_seconds: float) -> None:
        assert self.reader.wait(lambda received: bool(count_until(received, until, self.since)), deadline_seconds)
        self.since = count_until(self.reader.received, until, self.since)


def count_until(received: Sequence[ReceivedMessage], count: int, after: int) -> int:
    """The number of messages, at least `after`, at which `count` things sound, are bent or held; 0 if it never is."""
    messages = [message.data for message in received]
    ends = range(max(1, after), len(messages) + 1)
    return next((end for end in ends if len(hanging(messages[:end])) == count), 0)


@asynccontextmanager
async def open_rig(server: Server, jack: JackServer, folder: Path, port: str = BASS) -> AsyncIterator[Rig]:
    clip = folder / "clip.wav"
    write(clip, music(0.5))
    async with open_client(server.host, server.port) as client:
        await client.ask("/sab/subscribe", 1)
        (accepted,) = await client.ask("/sab/submit", str(clip), "stems", "none", "midi", "bass", "beat", 0.0)
        job = str(accepted.arguments[1])
        written = ""
        while (push := await client.next_push()).address != "/sab/finished":
            if push.address == "/sab/result":
                written = str(push.arguments[3])
        midi_file(Path(written), DRONE)
        for question in ("/sab/play", "/sab/stop"):  # the first waits for the ports
            await client.ask(question, job)
        with MidiReader(jack) as reader:
            reader.connect(port)
            yield Rig(server, client, reader, job)


@pytest.fixture
def server(jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    with serving(tmp_path, "--engine", "draft", dies=True) as running:
        yield running


async def test_by_stop_panic_cancel_and_a_second_play(server: Server, jack_server: JackServer, tmp_path: Path) -> None:
    async with open_rig(server, jack_server, tmp_path) as rig:
        for question in (("/sab/stop", rig.job), ("/sab/stop",), ("/sab/panic",), ("/sab/cancel", rig.job)):
            await rig.play()
            rig.sounds()
            frame = rig.reader.frame
            await rig.client.ask(*question)
            rig.falls_silent(frame)
        await rig.play()
        rig.sounds()
        frame = rig.reader.frame
        await rig.client.ask("/sab/play", rig.job, "bass")
        rig.falls_silent(frame)
        rig.sounds()


async def test_by_a_daw_that_stops(server: Server, jack_server: JackServer, tmp_path: Path) -> None:
    async with open_rig(server, jack_server, tmp_path) as rig:
        with MidiSender(jack_server) as daw:
            daw.connect(SYNC)
            await rig.play("sync", "clock")
            step = 60 / DEFAULT_TEMPO_BPM / TICKS_PER_QUARTER
            daw.send([(0.0, START), *((index * step, TICK) for index in range(24)), (24 * step, STOP)])
            rig.sounds()
            silent_frame = rig.silent_frame()
            assert daw.start_frame is not None
            stop_frame = daw.start_frame + round(24 * step * SAMPLE_RATE_HZ)
            assert 0 <= silent_frame - stop_frame < WITHIN_SECONDS * SAMPLE_RATE_HZ


def kill(server: Server) -> None:
    server.process.kill()


def terminate(server: Server) -> None:
    server.process.terminate()


def interrupt(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)


def terminate_player(server: Server) -> None:
    os.kill(server.player_pid(), signal.SIGTERM)


@pytest.mark.parametrize("end", [kill, terminate, interrupt, terminate_player])
async def test_by_the_end_of_the_bridge(
    server: Server, jack_server: JackServer, tmp_path: Path, end: Callable[[Server], None]
) -> None:
    async with open_rig(server, jack_server, tmp_path) as rig:
        await rig.play()
        rig.sounds()
        frame = rig.reader.frame
        end(server)
        rig.falls_silent(frame)


def kill_player(server: Server) -> None:
    os.kill(server.player_pid(), signal.SIGKILL)


def kill_player_and_ports(server: Server) -> None:
    """As when memory runs out, or when a process group is killed."""
    player = server.player_pid()
    for pid in (player, *children(player)):
        os.kill(pid, signal.SIGKILL)


ONE_CLIENT, RTMIDI, EXACT = "one client", "RtMidi", "jack-exact"


@contextlib.contextmanager
def jack_for(kind: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[JackServer]:
    """A server on which the bridges have ports of one kind."""
    if reason := why_no_jack():
        pytest.skip(reason)
    if kind == EXACT:
        monkeypatch.setenv("SAB_MIDI_BACKEND", EXACT)
    elif kind == RTMIDI:
        refuse_hosted_ports(monkeypatch, folder)
    # A synchronous server waits half a minute for six killed clients.
    with running_jack(synchronous=kind != RTMIDI, real_time=True) as server:
        monkeypatch.setenv("JACK_DEFAULT_SERVER", server.name)
        yield server


@pytest.mark.parametrize(
    ("kind", "end", "one_port"),
    [
        (ONE_CLIENT, kill_player, False),
        (ONE_CLIENT, kill_player_and_ports, False),
        (ONE_CLIENT, kill_player_and_ports, True),
        (RTMIDI, kill_player, False),
        (RTMIDI, kill_player, True),
        (EXACT, kill_player, False),
        (EXACT, kill_player, True),
    ],
)
async def test_by_a_killed_player_though_its_connection_is_restored_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, end: Callable[[Server], None], one_port: bool
) -> None:
    monkeypatch.setenv("SAB_MIDI_PORTS", "one" if one_port else "stems")
    port = "Source Audio Bridge:SAB Stems" if one_port else BASS
    with jack_for(kind, monkeypatch, tmp_path) as jack, serving(tmp_path, "--engine", "draft", dies=True) as server:
        async with open_rig(server, jack, tmp_path, port) as rig:
            await rig.play()
            rig.sounds()
            player = server.player_pid()
            end(server)
            assert has_ended(player)
            assert poll(lambda: not rig.reader.has_port(port) or not rig.reader.is_connected())
            assert poll(lambda: rig.reader.has_port(port), 40)
            frame = rig.reader.frame
            assert poll(lambda: rig.reader.frame - frame > SAMPLE_RATE_HZ)  # a patchbay takes its time
            assert poll(lambda: rig.reader.is_connected_again(port), 40)
            assert rig.reader.wait(lambda received: hanging(message.data for message in received) == [])
            # Nothing but ends of what may have sounded: a DAW that records keeps no controller but the pedal's.
            assert {message.data[1] for message in rig.reader.received if message.data[0] // 16 == 11} == {64}


@pytest.mark.parametrize("kind", [ONE_CLIENT, RTMIDI, EXACT])
async def test_by_a_bridge_whose_processes_are_all_killed_once_it_is_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    number = free_port()
    async with contextlib.AsyncExitStack() as stack:
        jack = stack.enter_context(jack_for(kind, monkeypatch, tmp_path))
        server = stack.enter_context(serving(tmp_path, "--engine", "draft", port=number, dies=True))
        rig = await stack.enter_async_context(open_rig(server, jack, tmp_path))
        await rig.play()
        rig.sounds()
        player = server.player_pid()
        processes = (server.process.pid, player, *children(player))
        for sent in (signal.SIGSTOP, signal.SIGKILL):  # stopped, none can end the notes when another dies
            for pid in processes:
                os.kill(pid, sent)
        assert has_ended(player)
        assert hanging(message.data for message in rig.reader.received) != []
        stack.enter_context(serving(tmp_path, "--engine", "draft", port=number))
        assert poll(lambda: rig.reader.is_connected_again(BASS), 40)
        assert rig.reader.wait(lambda received: hanging(message.data for message in received) == [])


async def test_after_a_clean_exit_nothing_is_sent(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    number = free_port()
    with serving(tmp_path, "--engine", "draft", port=number) as server:
        async with open_rig(server, jack_server, tmp_path) as rig:
            await rig.play()
            rig.sounds()
            assert (tmp_path / str(number) / FILE_NAME).exists()
    assert not (tmp_path / str(number) / FILE_NAME).exists()
    with MidiReader(jack_server) as reader, serving(tmp_path, "--engine", "draft", port=number):
        assert poll(lambda: reader.is_connected_again(BASS))
        frame = reader.frame
        assert poll(lambda: reader.frame - frame > SAMPLE_RATE_HZ)
        assert reader.received == []
