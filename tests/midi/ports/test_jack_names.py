"""Other programs' names for the ports on JACK, with one bridge and with several, in every order of starts and ends."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.errors import EngineFailed
from bridge.events import MidiReady
from bridge.midi.ports import jack_identity
from bridge.midi.ports.jack_identity import claim_name, name_of
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.stall import STALL_MESSAGE
from bridge.midi.sync.clock_port import SYNC_PORT
from bridge.model import MidiStatus
from tests.support.jack_server import JackServer, MidiReader, jack_server, poll, running_jack, why_no_jack
from tests.support.loopback import free_port
from tests.support.player_process import PlayerProcess, player_on
from tests.support.programs import sab, serving
from tests.support.stage import refuse_hosted_ports

__all__ = ["jack_server"]

pytestmark = [pytest.mark.jack, pytest.mark.end_to_end, pytest.mark.not_alone]

FIRST, SECOND, THIRD = "Source Audio Bridge", "Source Audio Bridge 2", "Source Audio Bridge 3"
SIX = PortLayout().port_names()
ONE_CLIENT, RTMIDI, EXACT = "one client", "RtMidi", "jack-exact"


@pytest.fixture(params=[ONE_CLIENT, RTMIDI, EXACT])
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The value of `midi_backend` for ports of one kind."""
    if request.param == RTMIDI:
        refuse_hosted_ports(monkeypatch, tmp_path)
    return EXACT if request.param == EXACT else "auto"


def ready(player: PlayerProcess) -> MidiStatus:
    """The player's status once it has ports. Before, a server that waits for killed clients counts as stalled."""
    while True:
        report = player.report()
        assert isinstance(report, MidiReady)
        if report.status.ports or report.status.message != STALL_MESSAGE:
            return report.status


def all_there(reader: MidiReader, layout: PortLayout, *clients: str) -> bool:
    """Whether each of these bridges has its ports, and there are no others."""
    wanted = [f"{client}:{name}" for client in clients for name in layout.port_names()]
    return len(reader.ports()) == len(wanted) and all(map(reader.has_port, wanted))


def close_pipe(player: PlayerProcess) -> None:
    player.close_pipe()
    assert player.process.wait(10) == 0


def kill(player: PlayerProcess) -> None:
    player.process.send_signal(signal.SIGKILL)
    player.process.wait(10)


def test_all_six_ports_belong_to_one_client_and_have_the_names_of_the_readme(jack_server: JackServer) -> None:
    with player_on(jack_server) as player, MidiReader(jack_server) as reader:
        assert [port.name for port in ready(player).ports] == SIX
        assert sorted(reader.ports()) == sorted(f"{FIRST}:{name}" for name in SIX)
        with player_on(jack_server) as other:
            ready(other)
            both = [f"{client}:{name}" for client in (FIRST, SECOND) for name in SIX]
            assert sorted(reader.ports()) == sorted(both)


@contextlib.contextmanager
def server_for(end: Callable[[PlayerProcess], None]) -> Iterator[JackServer]:
    """A synchronous server would wait for killed clients, too."""
    if reason := why_no_jack():
        pytest.skip(reason)
    with running_jack(synchronous=end is not kill) as server:
        yield server


@pytest.mark.parametrize("one_port", [False, True])
@pytest.mark.parametrize("end", [close_pipe, kill])
def test_a_bridge_that_restarts_beside_another_gets_its_earlier_name(
    backend: str, one_port: bool, end: Callable[[PlayerProcess], None]
) -> None:
    layout = PortLayout(backend=backend, one_port=one_port)
    with server_for(end) as server, MidiReader(server) as reader, player_on(server, layout) as second:
        with player_on(server, layout) as first:
            # `second` started first here: names are given in the order of starts, and stay.
            assert ready(second).backend.startswith("jack")
            ready(first)
            assert all_there(reader, layout, FIRST, SECOND)
            end(second)
            with player_on(server, layout) as again:
                status = ready(again)
                assert (status.message, status.sync_port) == ("", SYNC_PORT)
                assert poll(lambda: all_there(reader, layout, FIRST, SECOND)), reader.ports()
                end(first)
                end(again)
        with player_on(server, layout) as alone:
            ready(alone)
            assert poll(lambda: all_there(reader, layout, FIRST)), reader.ports()


def test_after_a_kill_the_ports_get_their_earlier_names(backend: str) -> None:
    with server_for(kill) as server, MidiReader(server) as reader:
        names = []
        for _ in range(3):
            with player_on(server, PortLayout(backend=backend)) as player:
                ready(player)
                names.append(reader.ports())
                kill(player)
        assert names[0] == names[1] == names[2] and len(names[0]) == len(SIX)


def test_bridges_that_start_at_once_share_no_name(jack_server: JackServer) -> None:
    with contextlib.ExitStack() as stack, MidiReader(jack_server) as reader:
        players = [stack.enter_context(player_on(jack_server)) for _ in range(3)]
        assert [ready(player).message for player in players] == [""] * 3
        assert all_there(reader, PortLayout(), FIRST, SECOND, THIRD), reader.ports()


def test_a_command_that_opens_ports_for_a_moment_takes_no_bridge_s_name(
    jack_server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    with player_on(jack_server, PortLayout(is_guest=True)) as guest, MidiReader(jack_server) as reader:
        ready(guest)
        with serving(tmp_path, "--engine", "draft") as bridge:
            assert poll(lambda: reader.has_port(f"{FIRST}:SAB Piano"))
            # A second bridge with its own OSC port, so that `sab ports` can ask it.
            (tmp_path / "second").mkdir()
            with serving(tmp_path / "second", "--engine", "draft", port=free_port()) as second:
                assert poll(lambda: reader.has_port(f"{SECOND}:SAB Piano"))
                output = sab("ports", "--json", "--port", str(second.port), "--state-dir", tmp_path / "second").stdout
                report = json.loads(output)
                assert report["is_running"] and report["full_names"]["SAB Drums"] == f"{SECOND}:SAB Drums"
            assert bridge.process.poll() is None


def test_a_name_of_another_program_is_skipped_and_a_released_name_is_used_again(
    jack_server: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    monkeypatch.setattr(jack_identity, "STALE_CLIENT_SECONDS", 0.2)
    with MidiReader(jack_server, f"{FIRST} watch"), claim_name(lambda: None, owner="mine") as watch:
        assert (watch.name, name_of("mine"), name_of("another's")) == (SECOND, SECOND, None)
    assert name_of("mine") is None
    with claim_name(lambda: None) as watch:
        assert watch.name == FIRST


def test_if_all_names_are_taken_the_error_says_so(jack_server: JackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    monkeypatch.setattr(jack_identity, "MAX_BRIDGES", 2)
    with (
        claim_name(lambda: None),
        claim_name(lambda: None) as second,
        pytest.raises(EngineFailed, match="JACK answers, but 2 bridges"),
        claim_name(lambda: None),
    ):
        pytest.fail("a third name was found")
    assert second.name == SECOND
