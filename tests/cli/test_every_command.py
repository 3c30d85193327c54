"""Every command of `sab`, with outputs, encodings, widths and folders that it does not expect."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli.main import app

if sys.platform == "win32":
    pytest.skip("Windows cannot fork", allow_module_level=True)

from tests.support.forked import Done, Run, forked

pytestmark = pytest.mark.end_to_end

#: No bridge listens here.
NOWHERE = ("--port", "1")
#: Each command → words with which it ends quickly, and its status then. What `process`, `transcribe`, `demo` and
#: `submit` print of a job is tested in tests/end_to_end/test_streams.py.
COMMANDS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "tui": ((), 2),
    "serve": (("--engine", "nonesuch"), 2),
    "quit": (NOWHERE, 1),
    "process": (("no such ♪ שיר.wav",), 1),
    "transcribe": (("no such ♪ שיר.wav",), 1),
    "library": (("/no such ♪ שיר", "--out", "/no such folder ♪"), 1),
    "watch": (("no such folder ♪ שיר", *NOWHERE), 1),
    "submit": (("/no such ♪ שיר.wav", *NOWHERE), 1),
    "send": (("/sab/ping", *NOWHERE), 1),
    "live": (("--live-port", "1", "--answer-port", "0"), 1),
    "notes": (("no such ♪ שיר.mid",), 1),
    "hear": (("no such ♪ שיר.wav",), 1),
    "models list": ((), 0),
    "models show": (("draft",), 0),
    "models path": ((), 0),
    "models pull": (("nonesuch ♪",), 2),
    "completion install": (("no shell ♪ שיר",), 2),
    "completion show": (("fish",), 0),
    "cache list": ((), 0),
    "cache clear": ((), 0),
    "ports": ((), 0),
    "calibrate": ((), 0),
    "doctor": ((), 0),
    "log": ((), 0),
    "secret new": (("--secret-file", "/dev/null/♪ שיר"), 1),
    "secret path": ((), 0),
    "secret pass": (("no address ♪ שיר",), 2),
    "farm scheduler": (("--host", "no address ♪ שיר"), 2),
    "farm worker": (("--cluster", "no address ♪ שיר"), 2),
    "farm status": (("--cluster", "no address ♪ שיר"), 2),
    "farm certificates": (("--use", "no such ♪ שיר.pem"), 2),
    "token": ((), 0),
    "install": (("nothing ♪ שיר",), 2),
    "demo": (("--engine",), 2),
}
WITH_JSON = ("models list", "models show", "cache list", "cache clear", "ports", "doctor", "token")
#: They start processes, so not every condition is tried.
SLOW = ("ports", "doctor", "live", "models pull")


def commands(of: Any, before: str = "") -> Iterator[str]:
    for name, command in of.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    state = tmp_path_factory.mktemp("state")
    record = "2026-11-27 02:03:29,123 ERROR serve[1] bridge.events: abcdefgh: ♪ שיר \u202e\x1b[2J"
    (state / "bridge.log").write_text(f"{record}\n", encoding="utf-8")
    with forked() as forking:

        def run(arguments: list[str], **how: Any) -> Done:
            return forking(
                arguments, **{**how, "environment": {"SAB_STATE_DIR": str(state), **how.get("environment", {})}}
            )

        yield run


def test_no_command_is_left_out() -> None:
    assert set(commands(typer.main.get_command(app))) == set(COMMANDS)


def check(done: Done, status: int) -> None:
    assert done.status == status, done
    assert done.out or done.err
    for words in (b"Traceback", b"internal", b"Error:", b"Errno"):
        assert words not in done.out + done.err, done
    if status:
        assert len(done.err.splitlines()) == 1, done


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_drive_under_the_output_of_a_strange_terminal(run: Run, command: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    words, status = COMMANDS[command]
    strange = {"COLUMNS": "0", "LINES": "-1", "TERM": "dumb", "LANG": ""}
    done = run([*command.split(), *words], out="full", encoding="ascii", environment=strange)
    check(done, status or 1)
    assert (b"not_writable: The output cannot be written" in done.err) is (status == 0)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_output_that_nobody_reads_in_a_folder_that_is_gone(run: Run, command: str) -> None:
    words, status = COMMANDS[command]
    done = run([*command.split(), *words], out="unread", deleted=True)
    if status:
        check(
            done, 2 if command in ("process", "transcribe", "watch") else status
        )  # relative to nothing, a path is a mistake
    else:
        assert (done.status, done.err) == (141, b"")


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in SLOW])
def test_an_encoding_that_lacks_what_is_said(run: Run, command: str) -> None:
    words, status = COMMANDS[command]
    check(run([*command.split(), *words], encoding="cp437", environment={"COLUMNS": "0"}), status)
    if command in WITH_JSON:
        done = run([*command.split(), *words, "--json"], encoding="cp437")
        json.loads(done.out)
