"""`sab` and `sab tui` are the same command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bridge.cli import serve, shared
from bridge.cli.main import app, main

COMMAND: Any = typer.main.get_command(app)
#: Behind `sab` alone, an address would be taken for a command.
OF_THE_SCREEN_ALONE = {"address"}
SCREEN = {
    parameter.name: parameter
    for parameter in COMMAND.commands["tui"].params
    if parameter.name not in OF_THE_SCREEN_ALONE
}
OF_SAB_ALONE = {"version", "install_completion", "show_completion"}
PLAIN = {parameter.name: parameter for parameter in COMMAND.params if parameter.name not in OF_SAB_ALONE}


def test_sab_takes_every_option_of_sab_tui_and_no_other() -> None:
    def description(parameter: Any) -> tuple[object, ...]:
        words = (parameter.opts, parameter.secondary_opts, parameter.help, parameter.metavar, parameter.default)
        return (*words, parameter.is_flag, parameter.rich_help_panel)

    assert {name: description(parameter) for name, parameter in PLAIN.items()} == {
        name: description(parameter) for name, parameter in SCREEN.items()
    }
    assert {"port", "engine", "sync", "no_midi", "state_dir"} <= PLAIN.keys()


@pytest.mark.parametrize("command", [[], ["tui"]])
def test_the_options_of_either_reach_the_screen(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> None:
    given: list[dict[str, object]] = []
    monkeypatch.setattr(serve, "found_or_new_bridge", lambda settings: settings)
    monkeypatch.setattr("bridge.cli.output.terminal.require_screen", lambda: None)
    monkeypatch.setattr("bridge.cli.serve.log_into", lambda *_: None)

    def run(opened: Callable[[], dict[str, object]], *_: object, **__: object) -> str:
        given.append(opened())
        return "closed"

    monkeypatch.setattr("tui.app.run", run)
    options = ["--port", "9721", "--engine", "draft", "--no-midi", "--no-http", "--state-dir", "/s", "--sync", "jack"]
    done = CliRunner().invoke(app, [*command, *options])
    assert done.exit_code == 0, done.output
    (settings,) = given
    chosen: Any = settings
    assert (chosen.port, chosen.defaults.engine.name, chosen.no_midi, chosen.no_http) == (9721, "draft", True, True)
    assert (chosen.state_dir, chosen.defaults.play.sync) == (Path("/s"), "jack")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "9721", "doctor"], "sab doctor --port"),
        (["--engine", "draft", "process", "x.wav"], "sab process --engine"),
        (["--no-midi", "serve"], "sab serve --no-midi"),
        (["--models-dir", "/m", "models", "list"], "sab models --models-dir"),
    ],
)
def test_an_option_before_a_command_is_an_error(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_help_shows_the_screens_options() -> None:
    assert "--port" in CliRunner().invoke(app, ["--help"]).output


def test_the_page_has_every_exit_status() -> None:
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = page.partition("## Exit statuses")[2].splitlines()
    assert [row for row in rows if row[:3].strip("| ").isdigit()] == [
        f"| {status} | {words} |" for status, words in shared.EXIT_STATUSES.items()
    ]
    assert {shared.DONE, shared.FAILED, shared.USAGE, shared.INTERRUPTED, shared.UNREAD} <= set(shared.EXIT_STATUSES)


@pytest.mark.parametrize("option", ["--play", "--sync"])
@pytest.mark.parametrize("command", ["process", "transcribe"])
def test_who_wants_to_hear_notes_is_sent_to_the_bridge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, option: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["sab", command, "x.wav", option, "live"])
    monkeypatch.setattr(sys.modules[main.__module__], "prepare_terminal", lambda: None)  # it is for a whole process
    with pytest.raises(SystemExit, match="2"):
        main()
    told = capsys.readouterr().err
    assert f"`sab {command}` opens no MIDI ports" in told
    assert "sab submit FILE play live" in told


def test_a_command_that_is_misspelt_is_guessed_in_a_clean_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sab", "proces"])
    monkeypatch.setattr(sys.modules[main.__module__], "prepare_terminal", lambda: None)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "Did you mean 'process'? `sab --help`" in capsys.readouterr().err
