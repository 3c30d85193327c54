"""Screens that attach to a bridge of another process, with the real programs."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loopback import free_port
from tests.support.programs import has_ended, sab, serving

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminals that Python can open", allow_module_level=True)

from tests.support.pseudo_terminal import in_terminal

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """The options of a bridge of this test alone; whatever is left of it at the end is quit."""
    options = ("--port", str(free_port()), "--state-dir", str(tmp_path))
    yield options
    sab("quit", *options)


def test_a_screen_comes_and_goes_and_the_bridge_stays(tmp_path: Path, clip: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--engine", "draft", "--no-midi", port=port) as server:
        options = ("--port", str(port), "--state-dir", str(tmp_path))
        with in_terminal(*options) as terminal, in_terminal("tui", "--connect", *options) as other:
            drawn, seen = terminal.shows("attached"), other.shows("attached")
            sent = sab(
                "submit", clip, "--wait", *options[:2], environment={**os.environ, "SAB_STATE_DIR": str(tmp_path)}
            )
            assert sent.returncode == 0, sent.stderr
            terminal.shows("done", drawn)
            other.shows("done", seen)
            found = json.loads(sab("doctor", "--json", *options).stdout)["findings"]
            (ours,) = [one["message"] for one in found if one["check"] == "osc_port"]
            assert f"process {server.process.pid}, with 2 attached screens" in ours
            other.process.send_signal(signal.SIGHUP)  # as a closed tab of a browser does
            assert other.ends() == 0
            terminal.type(b"q")
            terminal.shows("The bridge works on in the background")
            assert terminal.ends() == 0
        assert server.process.poll() is None


def test_a_bridge_is_left_running_found_by_a_second_screen_and_quit(place: tuple[str, ...]) -> None:
    with in_terminal("--engine", "draft", "--no-midi", *place) as first:
        first.shows("ready")
        with in_terminal(*place) as second:
            seen = second.shows("attached")
            first.type(b"b")
            first.shows("`sab")
            assert first.ends() == 0
            seen = second.shows("No bridge", seen)  # the first has ended …
            seen = second.shows("ready", seen)  # … and the one in the background has come
            quitting = sab("quit", *place)
            assert (quitting.returncode, quitting.stdout[:21]) == (0, "The bridge has ended."), quitting.stderr
            second.shows("No bridge", seen)
            second.type(b"q")
            assert second.ends() == 0
    assert sab("quit", *place).returncode == 1


def test_a_killed_bridge_is_told_and_a_new_one_can_be_started(tmp_path: Path) -> None:
    port = free_port()
    options = ("--engine", "draft", "--no-midi")
    with (
        serving(tmp_path, *options, port=port, dies=True) as server,
        in_terminal(*options, "--port", str(port), "--state-dir", str(tmp_path)) as terminal,
    ):
        drawn = terminal.shows("attached")
        os.kill(server.process.pid, signal.SIGKILL)
        drawn = terminal.shows("ended without a word", drawn)
        terminal.type(b"s")
        terminal.shows("listening on", drawn)
        terminal.type(b"q")
        assert terminal.ends() == 0
    assert has_ended(server.process.pid)


def test_a_foreign_program_on_the_port_is_said_at_once(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as foreign:
        foreign.bind(("127.0.0.1", 0))
        port = foreign.getsockname()[1]
        with in_terminal("--no-midi", "--port", str(port), "--state-dir", str(tmp_path)) as terminal:
            terminal.shows("cannot run")
            terminal.type(b"q")
            terminal.shows("choose another port with --port")
            assert terminal.ends() == 1
