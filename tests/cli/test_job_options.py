"""Every row of the table of options reaches the command line, of each command that it names."""

from __future__ import annotations

import re
from typing import get_args

import pytest
import typer
from typer.testing import CliRunner

from bridge.cli import shared
from bridge.cli.job_options import Given, takes
from bridge.cli.main import app
from bridge.options.kinds import Switch
from bridge.options.table import OPTIONS, Command, Option

ROWS = [(command, option) for option in OPTIONS.values() for command in option.commands]


def given_to(command: Command, arguments: list[str]) -> Given:
    """The options that a command's function gets for these arguments."""
    received: list[Given] = []

    @takes(command)
    def function(options: Given) -> None:
        received.append(options)

    probe = typer.Typer()
    probe.command()(function)
    done = CliRunner().invoke(probe, arguments)
    assert done.exit_code == 0, done.output
    (options,) = received
    return options


@pytest.mark.parametrize(("command", "option"), ROWS, ids=lambda value: getattr(value, "name", value))
def test_an_option_arrives_as_it_was_typed(command: Command, option: Option) -> None:
    is_switch = isinstance(option.kind, Switch)
    for spelling in (f"--{option.name}", *option.spellings):
        options = given_to(command, [spelling] if is_switch else [spelling, "value"])
        assert options[option.name] == (True if is_switch else "value")
        assert {name for name, value in options.items() if value is not None} == {option.name}


@pytest.mark.parametrize(("command", "option"), ROWS, ids=lambda value: getattr(value, "name", value))
def test_the_help_shows_the_option_with_its_words(command: Command, option: Option) -> None:
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "400", "TERM": "dumb"}).output
    (line,) = [line for line in shown.splitlines() if re.match(rf"\W*--{option.name}[ ,]", line)]
    assert option.help in line
    assert isinstance(option.kind, Switch) or option.words in line


@pytest.mark.parametrize(
    ("stem", "opposite"), [("vocals", "instrumental"), ("Drums", "no_drums"), ("piano", "no_piano")]
)
def test_two_stems_are_the_stem_and_its_opposite(stem: str, opposite: str) -> None:
    given = given_to("process", ["--two-stems", stem])
    assert given["stems"] == f"{stem.lower()},{opposite}"
    assert OPTIONS["stems"].read(given["stems"]) == (stem.lower(), opposite)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--two-stems", "vocals", "--stems", "bass"], "Say either --stems or --two-stems."),
        (["--two-stems", "kazoo"], "--two-stems must be one of vocals, drums, bass, other, guitar, piano, not 'kazoo'"),
        (["--two-stems", "instrumental"], "--two-stems must be one of vocals"),
    ],
)
def test_two_stems_that_make_no_sense_are_one_clear_error(arguments: list[str], words: str) -> None:
    ended = CliRunner().invoke(app, ["process", "a.wav", *arguments])
    assert ended.exit_code == shared.USAGE
    assert ended.output.startswith(f"sab: bad_arguments: {words}")
    assert len(ended.output.splitlines()) == 1


def test_a_command_takes_no_option_that_does_not_name_it() -> None:
    for command in get_args(Command):
        taken = set(given_to(command, []))
        assert taken == {name for name, option in OPTIONS.items() if command in option.commands}


def test_options_about_notes_have_a_panel_of_their_own() -> None:
    shown = CliRunner().invoke(app, ["process", "--help"], env={"COLUMNS": "400", "TERM": "dumb"}).output
    jobs, _, notes = shown.partition(shared.NOTES_PANEL)
    for option in OPTIONS.values():
        if "process" in option.commands:
            assert f"--{option.name}" in (notes if option.about_notes else jobs)
