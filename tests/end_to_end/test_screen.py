"""The screen in a real terminal, and without one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.programs import sab

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminals that Python can open", allow_module_level=True)

import fcntl
import pty
import termios

from textual.drivers.linux_driver import LinuxDriver

from bridge import PROTOCOL_VERSION
from bridge.osc.addresses import BYE
from bridge.osc.client import open_client
from tests.support.pseudo_terminal import in_terminal

pytestmark = pytest.mark.end_to_end

#: A Latin-1 umlaut; X10 mouse reports, as after reattaching with tmux or ssh; a pasted Latin-1 name.
STRANGE_BYTES = (b"\xe4", b"\x1b[M \xf0\x90\x1b[M#\x80\xff", b"\xff\xfe\x9b", b"\xc3")


@pytest.fixture
def port() -> int:
    """A free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@pytest.mark.parametrize("command", [[], ["tui"]], ids=["sab", "sab tui"])
def test_bytes_that_are_not_utf8_do_not_end_the_screen(tmp_path: Path, port: int, command: list[str]) -> None:
    with in_terminal(
        *command, "--port", str(port), "--engine", "draft", "--no-midi", "--state-dir", str(tmp_path)
    ) as terminal:
        place = terminal.shows("ready")
        for data in STRANGE_BYTES:
            terminal.type(data)
        terminal.type(b"\x1b[200~/music/Bj\xf6rk.wav\x1b[201~")
        place = terminal.shows("/music/Bj\N{REPLACEMENT CHARACTER}rk.wav", place)
        terminal.type(b"\r")
        place = terminal.shows("There is no file", place)
        pong = sab("send", "/sab/ping", "still", "there", "--port", str(port))
        assert (pong.returncode, pong.stdout) == (0, "/sab/pong still\n"), pong.stderr
        terminal.type(b"\x11")  # Ctrl-Q quits from every dialog
        assert terminal.ends() == 0


def test_a_name_with_brackets_is_shown_as_text(tmp_path: Path, port: int, clip: Path) -> None:
    song = clip.rename(clip.parent / "song [key=F#m].wav")
    options = ("--port", str(port), "--engine", "draft", "--no-midi", "--state-dir", str(tmp_path / "state"))
    with in_terminal(*options) as terminal:
        place = terminal.shows("ready")
        terminal.type(b"a")
        place = terminal.shows("Add a song", place)
        terminal.type(f"{song}\r".encode())
        place = terminal.shows("done, ", place)
        terminal.type(b"o")
        terminal.shows("The folder itself", place)
        terminal.shows("song [key=F#m]", place)
        assert sab("send", "/sab/ping", "x", "--port", str(port)).returncode == 0
        terminal.type(b"\x11")
        assert terminal.ends() == 0


class Faulty(LinuxDriver):
    """Reads a key, then raises an error."""

    def run_input_thread(self) -> None:
        os.read(self.fileno, 1)
        raise LookupError("no such key\x1b[2J")


def test_an_error_in_the_screen_is_reported_and_fails(tmp_path: Path) -> None:
    faulty = {"TEXTUAL_DRIVER": f"{__name__}:{Faulty.__name__}"}
    with in_terminal("--port", "0", "--no-midi", "--state-dir", str(tmp_path), environment=faulty) as terminal:
        place = terminal.shows("ready")
        terminal.type(b"x")
        assert terminal.ends() == 1
        terminal.shows("sab: internal: LookupError: no such key\N{REPLACEMENT CHARACTER}[2J.", place)
        assert b"Traceback" not in terminal.drawn
    assert "LookupError" in (tmp_path / "bridge.log").read_text(encoding="utf-8")


def test_a_terminal_that_is_closed_without_a_signal_ends_the_screen(tmp_path: Path) -> None:
    """As in a detached container; closing a window sends SIGHUP instead."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bridge", "--port", "0", "--no-midi", "--state-dir", str(tmp_path)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    drawn = b""
    while b"ready" not in drawn:
        drawn += os.read(master, 65536)
    os.close(master)
    try:
        assert process.wait(30) == 1
    finally:
        process.kill()
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    # Whichever thread meets the end first: the one that reads or the one that writes.
    assert "EOFError: The terminal was closed" in log or "Input/output error" in log


async def test_a_closed_window_ends_the_bridge_in_order(tmp_path: Path, port: int) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "bridge", "--port", str(port), "--no-midi", "--state-dir", str(tmp_path)]
    process = subprocess.Popen(  # noqa: ASYNC220 – it is not waited for here
        command,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the window is its own
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    try:
        drawn = b""
        while b"ready" not in drawn:
            drawn += await asyncio.to_thread(os.read, master, 65536)
        async with open_client("127.0.0.1", port) as client:
            await client.ask("/sab/hello", "test", PROTOCOL_VERSION)
            await client.ask("/sab/subscribe", 1)
            os.close(master)
            while (await asyncio.wait_for(client.next_push(), 30)).address != BYE.address:
                pass
        await asyncio.to_thread(process.wait, 30)
    finally:
        process.kill()
    log = (tmp_path / "bridge.log").read_text(encoding="utf-8")
    assert log.splitlines()[-1].endswith("bridge.cli.attaching.opening: closing")


@pytest.mark.parametrize("command", [[], ["tui"]], ids=["sab", "sab tui"])
@pytest.mark.parametrize("streams", ["none", "input", "output", "errors"])
def test_without_a_terminal_one_line_gives_advice(tmp_path: Path, command: list[str], streams: str) -> None:
    """Some or none of the streams are a terminal, never all."""
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "bridge", *command, "--state-dir", str(tmp_path)],
            stdin=slave if streams != "input" and streams != "none" else subprocess.DEVNULL,
            stdout=slave if streams not in ("output", "none") else subprocess.PIPE,
            stderr=slave if streams not in ("errors", "none") else subprocess.PIPE,
            timeout=30,
            check=False,
        )
        message = done.stderr if done.stderr is not None else os.read(master, 4096)
    finally:
        os.close(slave)
        os.close(master)
    assert done.returncode == 2
    assert not done.stdout
    assert b"sab serve" in message
    assert b"\x1b" not in message
    assert len(message.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_draw_is_an_error(tmp_path: Path, kind: str) -> None:
    with in_terminal("--state-dir", str(tmp_path), environment={"TERM": kind}) as terminal:
        assert terminal.ends() == 2
        terminal.shows("sab serve")
        assert b"\x1b" not in terminal.drawn


def test_a_signal_at_any_early_moment_gives_the_terminal_back(tmp_path: Path, port: int) -> None:
    options = ("--port", str(port), "--engine", "draft", "--no-midi", "--state-dir", str(tmp_path))
    for first_words in ("\x1b[?1049h", "Jobs"):  # the terminal is changed; the frame is drawn
        with in_terminal(*options) as terminal:
            terminal.shows(first_words)
            terminal.process.send_signal(signal.SIGTERM)
            terminal.shows("\x1b[?1049l")  # out of the alternate screen again
            assert terminal.ends() == 0


def test_ctrl_c_while_the_program_loads_shows_no_stack_trace(tmp_path: Path) -> None:
    # What Python makes of the signal, raised by the first module that the program loads.
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    ended = subprocess.run(
        [sys.executable, "-m", "bridge", "models"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
