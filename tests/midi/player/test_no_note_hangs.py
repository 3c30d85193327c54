"""However playing ends, a client that is none of ours hears no note sound on, and every bend centred, within 200 ms."""

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
    Heard,
    JackServer,
    MidiReader,
    MidiSender,
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

pytestmark = [pytest.mark.jack, pytest.mark.end_to_end]

WITHIN_SECONDS = 0.2
BASS = "Source Audio Bridge:SAB Bass"
SYNC = "Source Audio Bridge sync:SAB Sync"
# Bend up, pedal down, two notes and one of them twice; after 0x7f7f7f ticks, which is hours, the last one's end.
DRONE = "00 e00050  00 b0407f  00 90305a  00 90345a  00 90345a  83fffe7f 803440"
#: Two pitches, the bend and the pedal: what `hanging` counts once all of it is heard.
SOUNDING = 4


@dataclass
class Rig:
    """A real server with a job whose bass is a drone, and ears on its port."""

    server: Server
    client: OscClient
    reader: MidiReader
    job: str
    #: How many messages had been heard when all of the drone sounded, or had fallen silent, last.
    since: int = 0

    async def play(self, *more: str) -> None:
        self.reader.heard.clear()  # what the silence before still sends comes first, and silences nothing
        self.since = 0
        await self.client.ask("/sab/play", self.job, "bass", *more)

    def sounds(self) -> None:
        self._listen(until=SOUNDING, deadline_seconds=20.0)

    def falls_silent(self, since_frame: int) -> None:
        """Asserts that nothing sounded on for longer than promised; the frame is of JACK's clock."""
        assert 0 <= self.silent_frame() - since_frame < WITHIN_SECONDS * SAMPLE_RATE_HZ

    def silent_frame(self) -> int:
        """When the last of what sounded had ended."""
        self._listen(until=0, deadline_seconds=5.0)
        return self.reader.heard[self.since - 1].frame

    def _listen(self, until: int, deadline_seconds: float) -> None:
        assert self.reader.wait(lambda heard: bool(heard_until(heard, until, self.since)), deadline_seconds)
        self.since = heard_until(self.reader.heard, until, self.since)


def heard_until(heard: Sequence[Heard], count: int, after: int) -> int:
    """After how many messages, at least `after`, `count` things sounded, were bent or held; 0 where it never was so."""
    messages = [message.data for message in heard]
    ends = range(max(1, after), len(messages) + 1)
    return next((end for end in ends if len(hanging(messages[:end])) == count), 0)


@asynccontextmanager
async def rig(server: Server, jack: JackServer, folder: Path, port: str = BASS) -> AsyncIterator[Rig]:
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
    async with rig(server, jack_server, tmp_path) as stage:
        for question in (("/sab/stop", stage.job), ("/sab/stop",), ("/sab/panic",), ("/sab/cancel", stage.job)):
            await stage.play()
            stage.sounds()
            frame = stage.reader.frame
            await stage.client.ask(*question)
            stage.falls_silent(frame)
        await stage.play()
        stage.sounds()
        frame = stage.reader.frame
        await stage.client.ask("/sab/play", stage.job, "bass")
        stage.falls_silent(frame)
        stage.sounds()


async def test_by_a_daw_that_stops(server: Server, jack_server: JackServer, tmp_path: Path) -> None:
    async with rig(server, jack_server, tmp_path) as stage:
        with MidiSender(jack_server) as daw:
            daw.connect(SYNC)
            await stage.play("sync", "clock")
            step = 60 / DEFAULT_TEMPO_BPM / TICKS_PER_QUARTER
            daw.send([(0.0, START), *((index * step, TICK) for index in range(24)), (24 * step, STOP)])
            stage.sounds()
            silent_frame = stage.silent_frame()
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
    async with rig(server, jack_server, tmp_path) as stage:
        await stage.play()
        stage.sounds()
        frame = stage.reader.frame
        end(server)
        stage.falls_silent(frame)


def kill_player(server: Server) -> None:
    os.kill(server.player_pid(), signal.SIGKILL)


def kill_player_and_ports(server: Server) -> None:
    """As when memory runs out, or somebody ends a group of processes."""
    player = server.player_pid()
    for pid in (player, *children(player)):
        os.kill(pid, signal.SIGKILL)


ONE_CLIENT, RTMIDI, EXACT = "one client", "RtMidi", "jack-exact"


@contextlib.contextmanager
def jack_for(kind: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[JackServer]:
    """A server on which the bridges that are started have ports of one kind."""
    if reason := why_no_jack():
        pytest.skip(reason)
    if kind == EXACT:
        monkeypatch.setenv("SAB_MIDI_BACKEND", EXACT)
    elif kind == RTMIDI:
        refuse_hosted_ports(monkeypatch, folder)
    # One that waits for its clients waits half a minute for six that were killed.
    with running_jack(synchronous=kind != RTMIDI) as server:
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
async def test_by_a_player_that_is_killed_though_its_listener_comes_back_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, end: Callable[[Server], None], one_port: bool
) -> None:
    monkeypatch.setenv("SAB_MIDI_PORTS", "one" if one_port else "stems")
    port = "Source Audio Bridge:SAB Stems" if one_port else BASS
    with jack_for(kind, monkeypatch, tmp_path) as jack, serving(tmp_path, "--engine", "draft", dies=True) as server:
        async with rig(server, jack, tmp_path, port) as stage:
            await stage.play()
            stage.sounds()
            player = server.player_pid()
            end(server)
            assert has_ended(player)
            assert poll(lambda: not stage.reader.has_port(port) or not stage.reader.is_connected())
            assert poll(lambda: stage.reader.has_port(port), 40)
            frame = stage.reader.frame
            assert poll(lambda: stage.reader.frame - frame > SAMPLE_RATE_HZ)  # a patchbay takes its time
            assert poll(lambda: stage.reader.is_connected_again(port), 40)
            assert stage.reader.wait(lambda heard: hanging(message.data for message in heard) == [])
            # Nothing but ends of what may have sounded: a DAW that records keeps no controller but the pedal's.
            assert {message.data[1] for message in stage.reader.heard if message.data[0] // 16 == 11} == {64}


@pytest.mark.parametrize("kind", [ONE_CLIENT, RTMIDI, EXACT])
async def test_by_a_bridge_of_which_everything_is_killed_once_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    number = free_port()
    async with contextlib.AsyncExitStack() as stack:
        jack = stack.enter_context(jack_for(kind, monkeypatch, tmp_path))
        server = stack.enter_context(serving(tmp_path, "--engine", "draft", port=number, dies=True))
        stage = await stack.enter_async_context(rig(server, jack, tmp_path))
        await stage.play()
        stage.sounds()
        player = server.player_pid()
        for pid in (server.process.pid, player, *children(player)):
            os.kill(pid, signal.SIGKILL)
        assert has_ended(player)
        assert hanging(message.data for message in stage.reader.heard) != []
        stack.enter_context(serving(tmp_path, "--engine", "draft", port=number))
        assert poll(lambda: stage.reader.is_connected_again(BASS), 40)
        assert stage.reader.wait(lambda heard: hanging(message.data for message in heard) == [])


async def test_after_a_clean_end_nothing_is_sent(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    number = free_port()
    with serving(tmp_path, "--engine", "draft", port=number) as server:
        async with rig(server, jack_server, tmp_path) as stage:
            await stage.play()
            stage.sounds()
            assert (tmp_path / str(number) / FILE_NAME).exists()
    assert not (tmp_path / str(number) / FILE_NAME).exists()
    with MidiReader(jack_server) as reader, serving(tmp_path, "--engine", "draft", port=number):
        assert poll(lambda: reader.is_connected_again(BASS))
        frame = reader.frame
        assert poll(lambda: reader.frame - frame > SAMPLE_RATE_HZ)
        assert reader.heard == []
