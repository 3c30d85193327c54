"""The escapes of the real screen, byte by byte, in a terminal that says it is one that understands them."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tests.support.programs import sab

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo terminals that Python can open", allow_module_level=True)

from tests.support.pseudo_terminal import in_terminal
from tui.calls.caller import is_terminal

pytestmark = pytest.mark.end_to_end

GHOSTTY = {"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty", "TERM_PROGRAM_VERSION": "1.2.0", "TMUX": "", "STY": ""}
PLAIN = {"TERM": "xterm-256color", "TERM_PROGRAM": "", "VTE_VERSION": "", "KONSOLE_VERSION": "", "LC_TERMINAL": "",
         "TMUX": "", "STY": ""}  # fmt: skip
FOCUS_OUT = b"\x1b[O"


@pytest.fixture
def port() -> str:
    """A free port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_a_job_is_told_in_the_title_the_task_bar_and_a_notification(tmp_path: Path, port: str, clip: Path) -> None:
    options = ("--port", port, "--engine", "draft", "--no-midi", "--state-dir", str(tmp_path))
    with in_terminal(*options, environment=GHOSTTY) as terminal:
        terminal.shows("\x1b[22;2t")
        place = terminal.shows("ready")
        terminal.type(FOCUS_OUT)
        sent = sab("submit", str(clip), "out", str(tmp_path / "out"), "--port", port)
        assert sent.returncode == 0, sent.stderr
        terminal.shows(f" % {clip.stem} – Source Audio Bridge\x1b\\", place)
        terminal.shows("\x1b]9;4;", place)
        terminal.shows(f"\x1b]777;notify;{clip.stem} is done;", place)
        place = terminal.shows("\x1b]2;Source Audio Bridge\x1b\\", place)
        terminal.shows("\x1b]9;4;0;0\x1b\\")
        terminal.type(b"q")
        assert terminal.ends() == 0
    assert terminal.drawn.endswith(b"\x1b[23;2t")
    assert terminal.drawn.rindex(b"\x1b]9;4;") == terminal.drawn.rindex(b"\x1b]9;4;0;0")


def test_a_terminal_that_is_not_known_gets_its_title_alone(tmp_path: Path, port: str) -> None:
    options = ("--port", port, "--engine", "draft", "--no-midi", "--state-dir", str(tmp_path))
    with in_terminal(*options, environment=PLAIN) as terminal:
        place = terminal.shows("ready")
        terminal.type(FOCUS_OUT)
        sab("submit", "/not/there.wav", "--port", port)
        terminal.shows("was refused", place)
        terminal.type(b"q")
        assert terminal.ends() == 0
    assert b"\x1b[22;2t" in terminal.drawn
    assert b"\x1b]9;" not in terminal.drawn and b"\x1b]777;" not in terminal.drawn


def test_nothing_is_sent_into_a_pipe() -> None:
    read, write = os.pipe()
    with os.fdopen(read), os.fdopen(write, "w") as pipe:
        assert not is_terminal(pipe)
    assert not is_terminal(pipe)  # closed
    assert not is_terminal(object())
